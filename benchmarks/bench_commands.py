"""Commands of this tree against those of an earlier commit, as whole processes: processor seconds and peak memory.

Usage: PYTHONPATH=. python benchmarks/bench_commands.py --peer CHECKOUT --work FOLDER
           [--rounds 3] [--vehicles 100] [--days 1826] [--rest-seconds 60] [--only WORDS] [--skip WORDS]

The peer is a checkout of the earlier commit with a `.venv` of its own (`make .venv/.installed` there). FOLDER keeps two
installations for each of both, made where they are not there yet: the demo's (a week of twelve vehicles), and years of
days with few rows (`years_of_a_fleet`), which takes the earlier version half an hour. Both have landed the same files.

Both run the same command in turn, round after round, each on its own installation; medians count. Processor seconds are
those of the process and of all that it has waited for, so that what else the machine does counts little; the peak is
that of its largest process. At rest, the processes of `fleet ui` are added up. Exit code 1 where a bound does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import NamedTemporaryFile

import polars as pl
from at_rest import at_rest
from years_of_a_fleet import Years, land

TICK = Path(__file__).with_name("sensor_tick.py")
ONE_PROCESS = Path(__file__).with_name("one_process.py")
HERE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Cost:
    """Processor seconds, and MB of resident memory at the peak."""

    cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class Side:
    """One version with its installations."""

    name: str
    checkout: Path
    work: Path

    def home(self, installation: str) -> Path:
        return self.work / self.name / installation

    def environment(self, installation: str) -> dict[str, str]:
        home = self.home(installation)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "PYTHON"))}
        return own | {"FLEET_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}

    def run(self, installation: str, *command: str, program: str = "fleet") -> tuple[Cost, str]:
        """One process from its start to its end, and what it printed; raises where it fails."""
        line = [str(self.checkout / ".venv/bin" / program), *command]
        with NamedTemporaryFile(suffix=".json") as file:
            done = subprocess.run(
                [sys.executable, "-I", "-S", str(ONE_PROCESS), file.name, *line], env=self.environment(installation),
                cwd=self.checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                said = f"{self.name}: {' '.join(line)} ended with {done.returncode}: {done.stdout[-2000:]}"
                raise RuntimeError(said)
            return Cost(**json.loads(Path(file.name).read_text())), done.stdout


Measured = Callable[[Side, str], Cost]


@dataclass(frozen=True)
class Case:
    """What is measured on which installation; `bound` is how many times less than the earlier version it may take."""

    name: str
    installation: str
    measured: Measured
    bound: float | None
    rounds: int | None = None


def command(*arguments: str) -> Measured:
    return lambda side, installation: side.run(installation, *arguments)[0]


def tick(side: Side, installation: str) -> Cost:
    """A later tick of all sensors in a process that has loaded them, as the code server takes one after the other."""
    cost, printed = side.run(installation, str(TICK), program="python")
    found = json.loads(printed.strip().splitlines()[-1])
    assert not found["asked"], f"{side.name}: the installation is not at rest: {found}"
    return Cost(found["later_s"], cost.peak_mb)


_numbers = count(int(time.time()) % 80_000)


def build_after_a_touched_day(side: Side, installation: str) -> Cost:
    """A row more of one vehicle on one day, then `fleet build`."""
    home, number = side.home(installation), next(_numbers)
    day = sorted(path.name[5:] for path in (home / "landing").glob("*/date=*"))[-3]
    vehicle = pl.read_csv(home / "reference" / "vehicles.csv")["vehicle_id"][0]
    file = home / "touch.csv"
    instant = f"{day}T{number // 60 % 24:02}:{number % 60:02}:00Z"
    file.write_text(f"recorded_at,vehicle_id,supply_voltage_v\n{instant},{vehicle},{12 + number / 100}\n")
    side.run(installation, "import", str(file), "--source", "telemetry")
    return side.run(installation, "build")[0]


def build_after_renaming(side: Side, installation: str) -> Cost:
    """One vehicle is called otherwise, then `fleet build`."""
    table = side.home(installation) / "vehicles.csv"
    rows = pl.read_csv(side.home(installation) / "reference" / "vehicles.csv", infer_schema=False)
    is_first = pl.int_range(pl.len()) == 0
    named = pl.when(is_first).then(pl.lit(f"Number {next(_numbers)}")).otherwise(pl.col("name"))
    rows.with_columns(named.alias("name")).write_csv(table)
    side.run(installation, "reference", "load", str(table))
    return side.run(installation, "build")[0]


def cases(rest_s: float) -> list[Case]:
    def rest(side: Side, installation: str) -> Cost:
        return Cost(*at_rest(side.checkout, side.environment(installation), rest_s))

    touched, renamed = "build, one day touched", "build, a vehicle renamed"
    return [
        Case("--help", "demo", command("--help"), 4),
        Case("query", "demo", command("query", "select 1"), 4),
        Case("build, nothing to do", "demo", command("build"), 5),
        Case("build, nothing to do", "years", command("build"), 10),
        Case("status", "demo", command("status"), 4),
        Case("status", "years", command("status"), 10),
        Case("sensor tick", "demo", tick, None),
        Case("sensor tick", "years", tick, 10),
        Case(touched, "demo", build_after_a_touched_day, 3, rounds=1),
        Case(renamed, "demo", build_after_renaming, 10, rounds=1),
        Case("a minute at rest", "demo", rest, 2, rounds=1),
        Case("a minute at rest", "years", rest, None, rounds=1),
        Case(touched, "years", build_after_a_touched_day, None, rounds=1),
    ]


def main() -> None:
    """Prepare, measure and print."""
    options = _options()
    if not (options.peer and options.work):
        print("commands against an earlier commit: not measured without --peer and --work")
        return
    sides = [Side(name, checkout.resolve(), options.work.resolve()) for name, checkout in
             (("peer", options.peer), ("ours", HERE))]  # fmt: skip
    prepare(sides, Years(options.vehicles, options.days))
    missed = []
    for case in cases(options.rest_seconds):
        said = f"{case.name} ({case.installation})"
        if options.only in said and (not options.skip or options.skip not in said):
            peer, ours = in_turn(case, sides, case.rounds or options.rounds)
            ratio = peer.cpu_s / ours.cpu_s
            memory = f"{peer.peak_mb:,.0f} and {ours.peak_mb:,.0f} MB"
            bound = f", bound {case.bound:g}" if case.bound else ""
            print(f"{said}: {peer.cpu_s:.2f} s, {ours.cpu_s:.2f} s: {ratio:.1f} x less{bound}; {memory}", flush=True)
            missed += [said] if case.bound and ratio < case.bound else []
    if missed:
        raise SystemExit(f"bounds that do not hold: {'; '.join(missed)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vehicles", type=int, default=Years.vehicles)
    parser.add_argument("--days", type=int, default=Years.days)
    parser.add_argument("--rest-seconds", type=float, default=60)
    parser.add_argument("--only", default="")
    parser.add_argument("--skip", default="")
    return parser.parse_args()


def in_turn(case: Case, sides: list[Side], rounds: int) -> list[Cost]:
    """The medians of both sides, which take turns."""
    found: list[list[Cost]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, costs in zip(sides, found, strict=True):
            costs.append(case.measured(side, case.installation))
    return [Cost(median(one.cpu_s for one in costs), median(one.peak_mb for one in costs)) for costs in found]


def prepare(sides: list[Side], years: Years) -> None:
    """Have the installations of both, built and at rest; those that are there are built where they are stale."""
    peer, ours = sides
    if not peer.home("demo").exists():
        # In FLEET_HOME/demo; an installation of the earlier version cannot be moved.
        environment = peer.environment("demo") | {"FLEET_HOME": str(peer.work / peer.name)}
        subprocess.run([str(peer.checkout / ".venv/bin/fleet"), "demo", "--no-ui"], env=environment, check=True)
    if not peer.home("years").exists():
        land(peer.home("years"), years, ours.checkout / ".venv/bin/fleet")
    for installation in ("demo", "years"):
        if not ours.home(installation).exists():
            _copy_landed(peer.home(installation), ours.home(installation))
        for side in sides:
            cost, _ = side.run(installation, "build")
            print(f"{side.home(installation)} is built ({cost.cpu_s:.0f} s)", flush=True)


def _copy_landed(source: Path, target: Path) -> None:
    """What has landed and what people keep, nothing that was made of it."""
    target.mkdir(parents=True)
    shutil.copy2(source / ".env", target / ".env")
    for name in ("landing", "reference"):
        shutil.copytree(source / name, target / name)


if __name__ == "__main__":
    main()
