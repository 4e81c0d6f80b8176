"""Partitions whose writer is killed or has company: no reader ever sees half a day, and the next run repairs it.

At every instant the newest generation of a table is whole: each file it names is there with the bytes of its record,
and no commit of one writer is lost to another's.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from fleet_assets.adapters.durable_file import content_hash
from fleet_assets.adapters.lake import Generation
from fleet_assets.contracts import RAW_TELEMETRY, TELEMETRY, Table
from fleet_assets.pipeline.plan import BuildRequest, ordered_tables, plan_build
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.fixtures.energy_fleet import energy_rows, write_energy_reference
from fleet_assets_tests.fixtures.installation import TABLES, OwnInstallation, days_from, small_day
from fleet_assets_tests.fixtures.partition_writers import Reader, go_on, stands_still, writer
from fleet_assets_tests.proofs.histories.lakes import REFERENCE, contents, store
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength

DAY = date(2026, 3, 2)
BATCH_ROWS = 100
OWN_DAYS = 5
"""Days of each of several writers."""
STANDSTILL_S = 0.7
"""s in which the second writer would be done if nothing held it up."""
CHAIN = (RAW_TELEMETRY, TELEMETRY)
EVENTS = [maker.table for maker in DAY_TABLES.values() if maker.group == "events"]
ENERGY_DAYS = 3
MOST_STEPS = 120
"""Changes of the lake up to which a writer of many days gets; a day takes some five."""


def prove_writes(strength: Strength, say: Say) -> Iterator[Outcome]:
    """Kills between any two changes of the file system, kills at random instants, and two writers of one day."""
    with tempfile.TemporaryDirectory(prefix="fleet-killed-") as folder:
        is_quick = strength is Strength.QUICK
        yield _killed_at_every_step(Path(folder), CHAIN[:1] if is_quick else CHAIN, say)
        yield _killed_at_random(Path(folder), 3 if is_quick else 60, say)
        if not is_quick:
            yield _killed_in_every_table(Path(folder), say)
        yield _two_at_once(Path(folder), say)
        yield _many_days_at_once(Path(folder), 1 if is_quick else 12, say)


def _killed_at_every_step(folder: Path, chain: Sequence[Table], say: Say) -> Outcome:
    """The second version of a day is written, killed before step 1, 2, 3, ... until a writer survives."""
    here, kills, whole = OwnInstallation(folder / "steps"), 0, True
    with Reader(here.installation, chain, BATCH_ROWS) as reader:
        for table in chain:
            code, step = -9, 0
            while code == -9:
                step += 1
                say(f"{table.name}, killed before step {step}")
                here.land(small_day(DAY, vehicle_id=f"{table.name}-{step}"), f"{table.name}-{step}")
                if table is TELEMETRY:
                    _store(here, RAW_TELEMETRY)
                code = _store(here, table, dies_at=step)
                kills += code == -9
                whole = whole and _is_whole(here, table)
            _store(here, table)
    same = whole and _equal_to_new(here, folder / "steps-new", chain)
    tried = f"{kills} kills, one between any two changes of the lake, while {reader.reads} reads"
    return _outcome("a partition killed between data file and commit is whole and made again", tried, reader, same)


def _killed_at_random(folder: Path, kills: int, say: Say) -> Outcome:
    here, instants, ended = OwnInstallation(folder / "random"), random.Random(7), 0
    days = days_from(DAY, 5)
    with Reader(here.installation, CHAIN, BATCH_ROWS) as reader:
        for number in range(kills):
            say(f"killed at random, {number} of {kills}")
            for day in days:
                here.land(small_day(day, vehicle_id=f"v-{number}"), f"batch-{number}")
            for table in CHAIN:
                process = writer(here.root, table.name, days)
                process.join(instants.uniform(0, 0.5))
                ended += process.is_alive()
                process.kill()
                process.join()
        for table in CHAIN:
            _store(here, table, *days)
    same = _equal_to_new(here, folder / "random-new")
    tried = f"{kills * len(CHAIN)} writers, {ended} killed within them, {reader.reads} reads"
    return _outcome("a run killed at any instant leaves no half day, and the next one repairs it", tried, reader, same)


def _killed_in_every_table(folder: Path, say: Say) -> Outcome:
    """Each table of the lake in turn is written by processes that die after some steps, until one survives."""
    here, steps, kills, torn = _energy_installation(folder / "every"), random.Random(5), 0, list[str]()
    store(here.installation, BuildRequest(), REFERENCE)
    for table in (maker.table for maker in ordered_tables() if maker.table in TABLES):
        days = plan_build(here.installation, BuildRequest(), {table.name}).days.get(table.name, [])
        say(f"{table.name}, {kills} kills so far")
        while days and (code := _store(here, table, *days, dies_at=steps.randrange(1, MOST_STEPS))):
            kills += code == -9
            torn += [] if code == -9 and _is_whole(here, table) else [f"{table.name} after {code}"]
    fresh = _energy_installation(folder / "every-new")
    store(fresh.installation, BuildRequest())
    found, wanted = contents(here.installation), contents(fresh.installation)
    filled = {table.name for table in TABLES} & {name for name, _ in found}
    torn += [f"{name} has no rows" for name in {table.name for table in EVENTS} - filled]
    torn += [
        f"{name} {day}" for name, day in found.keys() | wanted if found.get((name, day)) != wanted.get((name, day))
    ]
    tried = f"{kills} writers of {len(TABLES)} tables killed, {len(filled)} of these with rows"
    return Outcome(
        "whichever table is being written, no kill leaves half of it",
        tried,
        not torn and kills > 0,
        ", ".join(torn[:5]),
    )


def _energy_installation(root: Path) -> OwnInstallation:
    here = OwnInstallation(root)
    write_energy_reference(here.installation.settings.reference, DAY)
    here.land(energy_rows(DAY, ENERGY_DAYS), "energy")
    return here


def _two_at_once(folder: Path, say: Say) -> Outcome:
    """The first writer stands still before step n, rows land, a second comes, the first goes on and dies a step later.

    Without a lock the first would put its old bytes in the place of the second's, beside a record that is current.
    """
    here, pairs, true, stood_still = OwnInstallation(folder / "two"), 0, 0, True
    with Reader(here.installation, CHAIN[:1], BATCH_ROWS) as reader:
        while stood_still:
            pairs += 1
            say(f"two writers of one day, the first stands still before step {pairs}")
            here.land(small_day(DAY, vehicle_id=f"first-{pairs}"), f"first-{pairs}")
            first = writer(here.root, RAW_TELEMETRY.name, [DAY], dies_at=pairs + 1, pauses=True)
            stood_still = stands_still(first)
            here.land(small_day(DAY, vehicle_id=f"second-{pairs}"), f"second-{pairs}")
            second = writer(here.root, RAW_TELEMETRY.name, [DAY])
            second.join(STANDSTILL_S)
            go_on(first)
            first.join()
            second.join()
            true += second.exitcode == 0 and _has_true_record(here, RAW_TELEMETRY, DAY)
    tried = f"{pairs} pairs, {reader.reads} reads"
    return _outcome("two runs on one partition end in one true file and record", tried, reader, true == pairs > 3)


def _many_days_at_once(folder: Path, rounds: int, say: Say) -> Outcome:
    """Four writers of days of their own, killed at random; what one has committed no other takes back."""
    here, instants, ended, lost = OwnInstallation(folder / "many"), random.Random(11), 0, 0
    days = days_from(DAY, 4 * OWN_DAYS)
    with Reader(here.installation, CHAIN[:1], BATCH_ROWS) as reader:
        for number in range(rounds):
            say(f"four writers of days of their own, round {number + 1} of {rounds}")
            for day in days:
                here.land(small_day(day, vehicle_id=f"v-{number}"), f"batch-{number}")
            writers = [writer(here.root, RAW_TELEMETRY.name, days[first::4]) for first in range(4)]
            seen = here.installation.lake.generation(RAW_TELEMETRY)
            for process in writers:
                process.join(instants.uniform(0, 0.6))
                ended += process.is_alive()
                process.kill()
                process.join()
                now = here.installation.lake.generation(RAW_TELEMETRY)
                lost += len({*seen.days} - {*now.days}) + (now.number < seen.number) + (not _is_whole_now(now))
                seen = now
        codes = [process.exitcode for process in _at_once(here, days)]
    same = not lost and not any(codes) and _equal_to_new(here, folder / "many-new", CHAIN[:1])
    tried = f"{4 * rounds} writers, {ended} killed within them, {reader.reads} reads"
    return _outcome("writers of different days neither wait for one another nor lose a commit", tried, reader, same)


def _at_once(here: OwnInstallation, days: Sequence[date]) -> list[ForkServerProcess]:
    writers = [writer(here.root, RAW_TELEMETRY.name, days[first::4]) for first in range(4)]
    for process in writers:
        process.join()
    return writers


def _is_whole(here: OwnInstallation, table: Table) -> bool:
    return _is_whole_now(here.installation.lake.generation(table))


def _is_whole_now(generation: Generation) -> bool:
    """Whether each file that a generation names is there with the bytes of its record."""
    files = {day: generation.file(day) for day in generation.records}
    return all(file is not None and content_hash(file) == generation.records[day].content
               for day, file in files.items())  # fmt: skip


def _has_true_record(here: OwnInstallation, table: Table, day: date) -> bool:
    """Whether the record names the bytes that are there and the inputs that are there."""
    record = here.installation.lake.record(table, day)
    file = here.installation.lake.generation(table).file(day)
    contents = {content_hash(file), content_hash(here.installation.lake.path(table, day))} if file else set()
    inputs = DAY_TABLES[table.name].fingerprint(here.installation, day)
    return record is not None and contents == {record.content} and record.inputs == inputs


def _equal_to_new(here: OwnInstallation, root: Path, chain: Sequence[Table] = CHAIN) -> bool:
    """Whether the chain equals the one made at once from the same landed files by processes nobody disturbed."""
    fresh = OwnInstallation(root)
    fresh.installation.landing.root.parent.mkdir(parents=True, exist_ok=True)
    fresh.installation.landing.root.symlink_to(here.installation.landing.root)
    days = [*here.installation.landing.days("telemetry")]
    codes = [_store(fresh, table, *days) for table in chain]
    return not any(codes) and all(_hashes(here, table) == _hashes(fresh, table) for table in chain)


def _hashes(here: OwnInstallation, table: Table) -> dict[date, str]:
    records = {day: here.installation.lake.record(table, day) for day in here.installation.lake.days(table)}
    return {day: record.content if record else "no record" for day, record in records.items()}


def _store(here: OwnInstallation, table: Table, *days: date, dies_at: int = 0) -> int:
    process = writer(here.root, table.name, days or [DAY], dies_at=dies_at)
    process.join()
    return process.exitcode or 0


def _outcome(claim: str, tried: str, reader: Reader, same: bool) -> Outcome:
    seen = "; ".join(reader.wrong[:3]) or (
        "bytes and records as of an undisturbed build" if same else "bytes or records differ"
    )
    return Outcome(claim, tried, same and not reader.wrong and reader.reads > 0, seen)
