"""Each mart is stale by what it is made from, and by nothing else."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from fleet_assets.contracts import INGEST_DAILY, TELEMETRY, THEFT_REVIEWS, TRIPS, VEHICLES
from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_models import mart_inputs, mart_project, stale_marts
from fleet_assets.pipeline.plan import Plan
from fleet_assets_tests.dbt.small_fleet import stops, store, trips
from fleet_assets_tests.fixtures.drives import at

pytestmark = pytest.mark.usefixtures("read_project")

BY_DAYS = {
    "int_vehicle_day_times", "monthly_summary", "trip_daily_stats", "vehicle_daily", "energy_hourly",
    "charging_hourly_stats", "charging_daily", "fuel_daily",
}  # fmt: skip
DAY = date(2026, 3, 20)

OF_CHARGING = {"charging_hourly_stats", "charging_daily"}
"""Those whose rows have their local days from the lake, and are not made of trips."""


@pytest.fixture
def current(installation: Installation) -> Installation:
    """An installation of which every mart is noted as made from what is there."""
    store(installation.lake, trips(), stops())
    with installation.warehouse.building():
        installation.warehouse.publish()
    project, inputs = mart_project(installation), mart_inputs(installation)
    installation.warehouse.note_inputs({name: project.made_from(name, inputs).text for name in project.upstream})
    assert not stale_marts(installation)
    return installation


def test_rows_that_arrived_make_stale_what_counts_them(current: Installation) -> None:
    at_eight, counts = at(f"{DAY} 08:00"), ("received_count", "silence_count")
    seen = pl.DataFrame({
        "date": [DAY], "vehicle_id": ["truck"], "source": ["can"], "silence_s": [0.0],
        **{name: [at_eight] for name in ("first_seen_at", "last_seen_at", "last_received_at")},
        **{name: [1] for name in counts},
    })  # fmt: skip
    rows = pl.concat([INGEST_DAILY.empty(), seen], how="diagonal_relaxed").cast(INGEST_DAILY.empty().schema)
    current.lake.write(INGEST_DAILY, DAY, rows, "test")
    assert stale_marts(current) == {"ingest_health"}


def test_a_day_of_telemetry_makes_stale_what_shows_its_last_rows(current: Installation) -> None:
    seen = pl.DataFrame({"recorded_at": [at(f"{DAY} 08:00")], "received_at": [at(f"{DAY} 08:00")],
                         "vehicle_id": ["truck"], "source": ["can"]})  # fmt: skip
    rows = pl.concat([TELEMETRY.empty(), seen], how="diagonal_relaxed").cast(TELEMETRY.empty().schema)
    current.lake.write(TELEMETRY, DAY, rows, "test")
    assert stale_marts(current) == {"telemetry_daily", "vehicle_last_known"}


def test_a_new_name_makes_stale_what_may_hold_names(current: Installation) -> None:
    known = current.lake.scan(VEHICLES).collect()
    current.lake.write(VEHICLES, None, known.with_columns(name=pl.lit("Ann's")), "renamed")
    assert stale_marts(current) == {"vehicle_last_known", "theft_alarms"}


def test_a_review_makes_stale_the_mart_of_thefts_alone_before_and_after_it_is_stored(current: Installation) -> None:
    night = at(f"{DAY} 02:00")
    row = {"review_id": "r", "vehicle_id": "truck", "event_started_at": night, "verdict": "theft", "reason": "siphoned",
           "reviewed_at": night}  # fmt: skip
    review = pl.DataFrame([row], schema=THEFT_REVIEWS.schema)
    current.reference.add_review(review)
    assert stale_marts(current) == set()
    assert stale_marts(current, Plan([THEFT_REVIEWS.name], {})) == {"theft_alarms"}
    current.lake.write(THEFT_REVIEWS, None, review, "test")
    assert stale_marts(current) == {"theft_alarms"}


def test_another_zone_makes_stale_what_counts_by_local_days(current: Installation) -> None:
    known = current.lake.scan(VEHICLES).collect()
    current.lake.write(VEHICLES, None, known.with_columns(timezone=pl.lit("Asia/Kathmandu")), "moved")
    assert BY_DAYS - {"trip_daily_stats"} - OF_CHARGING <= stale_marts(current)
    assert "ingest_health" not in stale_marts(current)


def test_what_a_plan_will_store_makes_stale_what_reads_it_but_no_view(current: Installation) -> None:
    planned = stale_marts(current, Plan([], {TRIPS.name: {DAY: ("inputs",)}}))
    assert planned == BY_DAYS - OF_CHARGING - {"energy_hourly"} | {"vehicle_last_known"}
    assert not planned & mart_project(current).views


def test_a_withdrawn_note_makes_the_model_stale_and_no_other(current: Installation) -> None:
    current.warehouse.note_inputs({"monthly_summary": ""})
    assert stale_marts(current) == {"monthly_summary"}
