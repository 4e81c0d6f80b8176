"""What is known of vehicles is the same from memory as from the days, and follows every row that comes."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.commands.ingest_now import MEMORY, SHOWN_DAYS, daily_now, seen_now, vehicles_now
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_rules import day_rules, judge
from fleet_assets.pipeline.plan import BuildRequest, followed_tables, plan_build
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.proofs.histories.lakes import store

TODAY = date(2026, 3, 5)


@pytest.fixture
def built(installation: Installation) -> Installation:
    for vehicle, day in (("van-1", "2026-03-02"), ("van-2", "2026-03-04")):
        installation.landing.append("telemetry", drive(vehicle, at(f"{day} 08:00")), vehicle)
    build(installation)
    return installation


def build(installation: Installation) -> None:
    """Store what is stale and judge it, as a run does."""
    store(installation, BuildRequest())
    for rule in day_rules():
        judge(installation, rule, installation.check_results.owed(rule.table))


def seen(installation: Installation, today: date = TODAY) -> pl.DataFrame:
    """What is told, which is also what the days say."""
    stale = plan_build(installation, BuildRequest(), followed_tables()).days
    told = seen_now(installation, stale, today)
    assert_frame_equal(told, vehicles_now(daily_now(installation, stale), today))
    return told


def test_the_same_is_told_again_without_opening_a_day(built: Installation) -> None:
    first = seen(built)
    assert first["vehicle_id"].to_list() == ["van-1", "van-2"]
    for file in (built.lake.root / "ingest_daily" / "_files").glob("*/*"):
        file.rename(file.with_suffix(".away"))
    assert_frame_equal(seen_now(built, {}, TODAY), first)


def test_rows_that_landed_since_and_a_new_day_are_told(built: Installation) -> None:
    before = seen(built)
    built.landing.append("telemetry", drive("van-3", at("2026-03-04 09:00")), "late")
    assert seen(built)["vehicle_id"].to_list() == ["van-1", "van-2", "van-3"]
    build(built)
    after = seen(built)
    assert after["row_count"].sum() > before["row_count"].sum()
    later = seen(built, TODAY + timedelta(days=SHOWN_DAYS))
    assert later["rows_by_day"].list.sum().to_list() == [0, 0, 0]


def test_a_damaged_memory_is_as_good_as_none(built: Installation) -> None:
    first = seen(built)
    (built.lake.root / MEMORY).write_bytes(b"PAR1 nonsense")
    assert_frame_equal(seen(built), first)
