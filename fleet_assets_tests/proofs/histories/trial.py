"""One history tried in a process of its own, and the rebuild it is compared with.

Belongs here: what a worker process does. Does not belong here: counting over many histories.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from fleet_assets.contracts import CAN_SIGNALS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.fixtures.installation import MARTS
from fleet_assets_tests.proofs.histories.history import live_through
from fleet_assets_tests.proofs.histories.lakes import ALL, contents, new_installation, store, store_by_day
from fleet_assets_tests.proofs.histories.orchestrated import mart_contents, orchestrate, orchestrate_some
from fleet_assets_tests.proofs.histories.weeks import Week, load_week

SIGNALS_EVERY = 4
"""Every so many histories also decode all signals at full rate, which takes as long as all other tables."""


@dataclass(frozen=True)
class Task:
    """Which history of which week; a complete one is built by Dagster and dbt."""

    week: Path
    seed: int
    is_complete: bool = False


@dataclass(frozen=True)
class Trial:
    """What came of a history: how much was tried, and the partitions that are not those of the rebuild."""

    task: Task
    pieces: int
    builds: int
    reference_changes: int
    partitions: int
    differing: list[str]


_load = lru_cache(maxsize=2)(load_week)


def prepare(kept: Path) -> None:
    """Rebuild a saved week at once into an empty lake, and keep the hashes."""
    with TemporaryDirectory(prefix="fleet-rebuild-") as home:
        installation = rebuilt(load_week(kept), Path(home), store)
        (kept / "contents.json").write_text(json.dumps([[*key, text] for key, text in contents(installation).items()]))


def rebuilt(
    week: Week, home: Path, build: Callable[[Installation, BuildRequest, frozenset[str]], object]
) -> Installation:
    """An installation in which all rows landed at once and everything was built once."""
    installation = new_installation(home)
    shutil.copytree(week.reference, installation.settings.reference)
    for source, rows in week.raw.items():
        installation.landing.append(source, rows, "all")
    build(installation, BuildRequest(), ALL)
    return installation


def expected(kept: Path) -> dict[tuple[str, str], str]:
    """What `prepare` kept: hash per table and day."""
    return {(name, day): text for name, day, text in json.loads((kept / "contents.json").read_text())}


def run_trial(task: Task) -> Trial:
    """Live through one history and compare every partition."""
    week, random = _load(task.week), Random(f"{task.week.name}/{task.seed}")
    tables = ALL if task.seed % SIGNALS_EVERY == 1 else ALL - {CAN_SIGNALS.name}
    with TemporaryDirectory(prefix="fleet-history-") as home:
        installation = new_installation(Path(home) / "home")
        build = orchestrate_some(Random(task.seed)) if task.is_complete else store
        told = live_through(week, installation, random, build, tables)
        found = contents(installation)
        wanted = {key: text for key, text in expected(task.week).items() if key[0] in tables}
        if task.is_complete:
            orchestrate(installation, BuildRequest(), ALL)
            found = contents(installation) | mart_contents(installation)
            wanted |= mart_contents(rebuilt(week, Path(home) / "rebuilt", orchestrate))
            found |= {(name, "mart"): "holds no rows" for name in MARTS if (name, "mart") not in found}
        else:
            left = store(installation, BuildRequest(), tables).computed
            found |= dict.fromkeys(left, "is stale after the last build")
    differing = [
        f"{name} {day}"
        for name, day in wanted.keys() | found.keys()
        if wanted.get((name, day)) != found.get((name, day))
    ]
    return Trial(task, told.pieces, told.builds, told.reference_changes, len(wanted), sorted(differing))


def rebuilt_elsewhere(kept: Path, home: Path, threads: int, *, backwards: bool) -> tuple[int, list[str]]:
    """Rebuild in a new process with so many threads: partitions compared, and those whose hash differs."""
    order = ["--backwards"] if backwards else []
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__, str(kept), str(home), *order],
        env=os.environ | {"POLARS_MAX_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return 0, [done.stderr[-500:]]
    found = {(name, day): text for name, day, text in json.loads(done.stdout)}
    wanted = expected(kept)
    keys = wanted.keys() | found.keys()
    return len(keys), sorted(f"{name} {day}" for name, day in keys if wanted.get((name, day)) != found.get((name, day)))


def main() -> None:
    """Rebuild the week of the first argument in the folder of the second, and print the hashes."""
    kept, home = Path(sys.argv[1]), Path(sys.argv[2])
    installation = rebuilt(load_week(kept), home, store_by_day if "--backwards" in sys.argv else store)
    sys.stdout.write(json.dumps([[*key, text] for key, text in contents(installation).items()]))


if __name__ == "__main__":
    main()
