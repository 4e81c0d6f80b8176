"""Proof: what happens to stored bytes is noticed, named, and mended by the next build.

What is claimed. A file of the lake in which a bit was flipped, that was cut or emptied, a manifest that was, and a
published warehouse file likewise: `fleet check --deep` names it, whatever time and size the file has; `fleet build`
makes it anew, to the same bytes; nothing else is made anew.

What is tried. A real installation with rows in all tables of telemetry and all marts, harmed at random places, some
files with their old times put back, then checked and built by the command line.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from fleet_assets.adapters.durable_file import content_hash
from fleet_assets_tests.fixtures.energy_fleet import energy_rows, write_energy_reference
from fleet_assets_tests.fixtures.installation import TABLES, OwnInstallation, days_from, small_day
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength

TITLE = "Damage in what is stored is noticed and mended"

ROUNDS = {Strength.QUICK: 1, Strength.FULL: 5}
HARMED = 12
"""Files of the lake a round."""

FIRST = date(2026, 3, 1)
DAYS = 3
OF_NO_ROWS = {"raw_can", "ingest_gaps", "ingest_quarantined", "ingest_outages"}
"""Tables of what does not come in here."""


def prove(strength: Strength, say: Say) -> Iterator[Outcome]:
    """Build, then harm, check, build, compare, over and over."""
    chance = random.Random(20_260_301)
    with tempfile.TemporaryDirectory(prefix="fleet-damage-") as folder:
        here = OwnInstallation(Path(folder) / "home")
        for day in days_from(FIRST, DAYS):
            here.land(small_day(day), f"day-{day}")
        here.land(energy_rows(FIRST, DAYS), "energy")
        write_energy_reference(here.installation.settings.reference, FIRST)
        assert here.fleet("build").returncode == 0
        trial = Trial(here, chance)
        empty = {name for name, rows in trial.rows.items() if rows.is_empty()} - OF_NO_ROWS
        yield Outcome("every table and mart has rows", f"{len(trial.rows)} of them", not empty, str(sorted(empty)))
        for number in range(ROUNDS[strength]):
            say(f"round {number + 1} of {ROUNDS[strength]}")
            trial.round(whole_file=number % 3 == 0)
    harmed = f"{trial.harmed:,} files, a bit flipped, cut or emptied"
    yield Outcome("each damaged file is named by fleet check --deep", harmed, not trial.unnamed, str(trial.unnamed))
    yield Outcome("one build mends them to the same bytes", harmed, not trial.unlike, str(trial.unlike))
    yield Outcome("tables and marts hold the same rows afterwards", harmed, not trial.other_rows, str(trial.other_rows))


class Trial:
    """Rounds of harm on one installation, and what of it did not come out as claimed."""

    def __init__(self, here: OwnInstallation, chance: random.Random) -> None:
        self.here, self.chance = here, chance
        self.before, self.rows = self._hashes(), here.everything()
        self.harmed = 0
        self.unnamed: list[str] = []
        self.unlike: list[str] = []
        self.other_rows: list[str] = []

    def round(self, *, whole_file: bool) -> None:
        """Harm some files of the lake, and the published file too where asked for."""
        files = self.chance.sample(sorted(self.before), HARMED)
        for name in files:
            self._harm(self.here.root / "lake" / name)
        generation, lost = self._harm_a_generation()
        published = self.here.installation.settings.warehouse_file
        if whole_file:
            self._cut(published)
        self.harmed += len(files) + 1 + whole_file
        checked = self.here.fleet("check", "--deep").stdout
        self.unnamed += [name for name in files if self._sentence(name) not in checked and name not in lost]
        self.unnamed += [generation] if generation not in checked else []
        self.unnamed += [published.name] if whole_file and str(published) not in checked else []
        built = self.here.fleet("build")
        after = self._hashes()
        self.unlike += [name for name in self.before if after.get(name) != self.before[name]]
        self.unlike += [built.stderr] if built.returncode else []
        rows = self.here.everything()
        self.other_rows += [name for name in self.rows if not rows[name].equals(self.rows[name])]

    def _harm_a_generation(self) -> tuple[str, set[str]]:
        """Harm the newest manifest of a table; what is said of it, and the files that only it named."""
        lake = self.here.installation.lake
        table = self.chance.choice([table for table in TABLES if lake.generation(table).number > 1])
        newest = lake.generation(table)
        self._harm(lake.manifest(table).path(newest.number))
        left = lake.generation(table).partitions
        gone = {str(lake.path(table, day).relative_to(lake.root)) for day in newest.partitions if day not in left}
        return f"{table.name}: its generation {newest.number} cannot be read", gone

    def _hashes(self) -> dict[str, str]:
        """Of every stored partition, by its name below the lake."""
        root = self.here.root / "lake"
        files = (path for path in root.glob("**/*.parquet") if path.name != "empty.parquet")
        return {str(path.relative_to(root)): content_hash(path) for path in files}

    def _sentence(self, name: str) -> str:
        table, _, rest = name.partition("/")
        day = rest.partition("/")[0].removeprefix("date=") if rest.startswith("date=") else ""
        return f"{table} of {day}: its" if day else f"{table}: its"

    def _harm(self, path: Path) -> None:
        before, content = path.stat(), bytearray(path.read_bytes())
        how = self.chance.choice(["bit", "bit", "cut", "empty"])
        if how == "bit":
            content[self.chance.randrange(len(content))] ^= 1 << self.chance.randrange(8)
        path.write_bytes(content if how == "bit" else content[: len(content) * 3 // 4] if how == "cut" else b"")
        if self.chance.random() < 0.5:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _cut(self, path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: self.chance.randrange(len(content))])
