"""Events that are not final yet are not published, and appear by themselves once they are."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import RAW_TELEMETRY, STOPS, TRIPS, Table
from fleet_assets.core.stops import StopRules
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DUE_AT
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.fixtures.drives import drive
from fleet_assets_tests.proofs.histories.lakes import new_installation, store

pytestmark = pytest.mark.slow  # each goes on from where the one before it ended

SOON_S = 40
"""How long after the first build the open trip becomes final: a build takes some seconds, more beside other work."""


def _said(installation: Installation, table: Table) -> pl.DataFrame:
    return installation.lake.scan(table).filter(vehicle_id="van-1").sort(table.order).collect()


def _stale(installation: Installation) -> list[date]:
    """Stored days of trips that would become something else now."""
    maker, days = DAY_TABLES["trips"], installation.lake.days(TRIPS)
    return [day for day in days if not maker.is_current(installation, day, installation.lake.record(TRIPS, day))]


def _land(installation: Installation, rows: pl.DataFrame, name: str) -> None:
    installation.landing.append("telemetry", rows.with_columns(pl.col("recorded_at").alias("received_at")), name)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, dict[str, pl.DataFrame], Path]:
    """A vehicle that drove twice, the second time until almost five minutes ago; what is published at once."""
    home = tmp_path_factory.mktemp("under_way")
    installation = new_installation(home)
    _land(installation, drive("van-2", datetime(2026, 3, 2, 8, tzinfo=UTC)), "an earlier one")
    store(installation, BuildRequest())  # kernels are compiled at first use
    now = datetime.now(UTC).replace(microsecond=0)
    last = now - timedelta(seconds=300 - SOON_S)
    first = drive("van-1", last - timedelta(hours=1))
    second = drive("van-1", last - timedelta(minutes=10)).filter(pl.col("recorded_at") <= last)
    _land(installation, pl.concat([first, second]), "drives")
    store(installation, BuildRequest())
    return installation, {table.name: _said(installation, table) for table in (TRIPS, STOPS)}, home


def test_a_trip_still_under_way_is_no_ended_trip_and_appears_once_its_silence_has_lasted(
    here: tuple[Installation, dict[str, pl.DataFrame], Path],
) -> None:
    installation, before, _ = here
    assert before["trips"].height == 1
    day = before["trips"]["closed_at"].dt.date().max()
    notes = [record.notes for day in installation.lake.days(TRIPS) if (record := installation.lake.record(TRIPS, day))]
    (due,) = {note[DUE_AT] for note in notes if DUE_AT in note}
    assert day is not None
    wait_s = (datetime.fromisoformat(str(due)) - datetime.now(UTC)).total_seconds()
    assert 0 < wait_s <= SOON_S
    assert _stale(installation) == []
    time.sleep(wait_s + 0.1)
    assert len(_stale(installation)) == 1
    store(installation, BuildRequest())
    assert _said(installation, TRIPS).height == 2
    assert _stale(installation) == []


def test_the_stop_before_the_trip_waits_for_what_may_have_happened_in_it(
    here: tuple[Installation, dict[str, pl.DataFrame], Path],
) -> None:
    installation = here[0]
    assert _said(installation, STOPS).is_empty()
    began = _said(installation, TRIPS)["started_at"].max()
    assert isinstance(began, datetime)
    days = installation.lake.days(STOPS)
    notes = [record.notes for day in days if (record := installation.lake.record(STOPS, day))]
    (due,) = {note[DUE_AT] for note in notes if DUE_AT in note}
    assert datetime.fromisoformat(str(due)) == began + timedelta(seconds=StopRules().events_final_s)


def test_what_was_published_bit_by_bit_equals_a_rebuild(
    here: tuple[Installation, dict[str, pl.DataFrame], Path], tmp_path: Path
) -> None:
    installation = here[0]
    anew = new_installation(tmp_path)
    anew.landing.append("telemetry", installation.lake.scan(RAW_TELEMETRY).collect(), "again")
    store(anew, BuildRequest())
    for table in (TRIPS, STOPS):
        assert_frame_equal(_said(anew, table), _said(installation, table))
