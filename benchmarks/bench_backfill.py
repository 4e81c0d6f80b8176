"""What Dagster adds: a year of day partitions backfilled by the daemon in ranges, and built by one `fleet build`.

Usage: python benchmarks/bench_backfill.py [--days 365]

Each day holds one short drive of one vehicle, so that nearly all of the time is overhead: of a run (process, code,
storage) and of a partition (reading the look-back, checking, writing, fsync, record, event). A run of one day gives the
overhead of a run; what a range takes more than that, divided by its partitions, gives that of a partition.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import polars as pl

from fleet_assets_tests.fixtures.backfills import YEAR_TABLES, Took, is_complete, launch_backfill, took
from fleet_assets_tests.fixtures.installation import OwnInstallation, days_from, small_day, wait_until

FIRST = date(2025, 1, 1)
PATIENCE_S = 1800


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--days", type=int, default=365)
    days = days_from(FIRST, parser.parse_args().days)
    with tempfile.TemporaryDirectory(prefix="fleet-bench-") as folder:
        report_backfill(Path(folder) / "daemon", days)
        report_build(Path(folder) / "build", days)


def report_backfill(root: Path, days: list[date]) -> None:
    """One day and then all of them through the daemon, tables made beforehand of nothing but the reference files."""
    here = OwnInstallation(root)
    here.fleet("build", "--select", "group:reference")
    here.land(pl.concat([small_day(day) for day in days]), "year")
    here.stop_sensors("landing_sensor", "follow_inputs", "mart_sensor", "repair")
    daemon = here.start_daemon()
    try:
        one = _backfilled(here, days[:1])
        all_days = _backfilled(here, days)
    finally:
        daemon.stop()
    partitions = len(days) * len(YEAR_TABLES)
    each = (all_days.working_s - one.working_s * all_days.run_count / one.run_count) / partitions
    print(f"{partitions} partitions of {len(YEAR_TABLES)} tables, {len(days)} days, by the daemon")
    print(f"  runs                        {all_days.run_count}")
    print(f"  from asking to the last row {all_days.whole_s:.0f} s")
    print(f"  a run: waiting to start     {all_days.waiting_s / all_days.run_count:.1f} s")
    print(f"  a run of one day            {one.working_s / one.run_count:.1f} s")
    print(f"  each further partition      {1000 * each:.0f} ms")


def _backfilled(here: OwnInstallation, days: list[date]) -> Took:
    asked = launch_backfill(here, YEAR_TABLES, days)
    assert wait_until(lambda: is_complete(here, asked), PATIENCE_S), "the backfill did not end"
    return took(here, asked)


def report_build(root: Path, days: list[date]) -> None:
    """The same by `fleet build`: one run in its own process."""
    here = OwnInstallation(root)
    here.land(pl.concat([small_day(day) for day in days]), "year")
    select = ("--select", f"group:reference,{','.join(YEAR_TABLES)}")
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        done = here.fleet("build", *select)
        assert done.returncode == 0, done.stderr
        seconds.append(time.perf_counter() - began)
    print(f"by fleet build: {seconds[0]:.0f} s; again with nothing to do: {seconds[1]:.1f} s")


if __name__ == "__main__":
    main()
