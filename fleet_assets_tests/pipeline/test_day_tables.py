"""What one day is made of: only what is declared, of reference tables only what it reads, and by which it is stale."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from fleet_assets.contracts import (
    CHARGING_HOURS,
    CHARGING_SESSIONS,
    POWER_SESSIONS,
    STOPS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    Rows,
    Table,
)
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_rules import day_rules, judge
from fleet_assets.pipeline.day_tables import day_table
from fleet_assets.pipeline.forecast import forecast
from fleet_assets.pipeline.former_versions import former_fingerprint
from fleet_assets.pipeline.plan import BuildRequest, Plan, followed_tables, plan_build
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.proofs.histories.lakes import Rewritten, new_installation, store

MONDAY = date(2026, 3, 2)
VEHICLES_FILE = "vehicle_id,name,timezone,powertrain\n{rows}"
CHARGES = {CHARGING_HOURS.name, CHARGING_SESSIONS.name, POWER_SESSIONS.name}
ASSIGNMENTS_FILE = "driver_id,vehicle_id,valid_from,valid_to\n{rows}"


def write(installation: Installation, table: str, text: str) -> None:
    installation.settings.reference.mkdir(parents=True, exist_ok=True)
    (installation.settings.reference / f"{table}.csv").write_text(text)


def declare(installation: Installation, *rows: str) -> None:
    write(installation, "vehicles", VEHICLES_FILE.format(rows="\n".join(rows)))


def build(installation: Installation) -> Rewritten:
    """Store what is stale and judge it, as a run does."""
    rewritten = store(installation, BuildRequest())
    for rule in day_rules():
        judge(installation, rule, installation.check_results.owed(rule.table))
    return rewritten


def plan(installation: Installation) -> Plan:
    return plan_build(installation, BuildRequest(), followed_tables())


@pytest.fixture
def built(tmp_path: Any) -> Installation:
    """Two vehicles with a drive each, on two days."""
    installation = new_installation(tmp_path)
    declare(installation, "van-1,Ann,Europe/Madrid,ice", "van-2,Bob,Europe/Madrid,ice")
    for vehicle, day in (("van-1", "2026-03-02"), ("van-2", "2026-03-04")):
        installation.landing.append("telemetry", drive(vehicle, at(f"{day} 08:00")), vehicle)
    build(installation)
    assert plan(installation).is_empty
    return installation


def test_a_function_cannot_read_what_it_does_not_declare() -> None:
    def trips(telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, timezone: str) -> pl.LazyFrame:
        del vehicles, timezone
        return telemetry

    with pytest.raises(TypeError, match=r"trips: vehicles, timezone is read and not declared"):
        day_table(TRIPS, reads=[TELEMETRY], group="events")(trips)


def test_a_column_of_a_reference_table_that_is_not_declared_is_not_there() -> None:
    read = Rows(VEHICLES, ("vehicle_id", "timezone"))
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        read.of(VEHICLES.empty().lazy()).select("name").collect()


def test_a_new_name_and_a_new_vehicle_without_rows_touch_no_day(built: Installation) -> None:
    declare(built, "van-1,Annette,Europe/Madrid,ice", "van-2,Bob,Europe/Madrid,ice", "van-3,Cleo,Asia/Tokyo,bev")
    found = plan(built)
    assert (found.reference, found.reasons) == (["vehicles"], {})
    assert build(built).computed == frozenset()
    assert plan(built).is_empty


def test_another_zone_touches_the_days_that_hold_the_vehicle(built: Installation) -> None:
    declare(built, "van-1,Ann,Europe/Madrid,ice", "van-2,Bob,Asia/Tokyo,ice")
    found = plan(built)
    days = {name: {*found.reasons[name]} for name in ("trips", "stops")}
    assert MONDAY not in days["trips"]
    assert date(2026, 3, 4) in days["trips"]
    assert "telemetry" not in found.reasons
    assert "standing_periods" not in found.reasons
    rebuilt = build(built)
    assert ("trips", "2026-03-02") not in rebuilt.computed
    assert built.lake.scan(TRIPS).filter(vehicle_id="van-2").collect()["local_date"].to_list() == [date(2026, 3, 4)]
    assert plan(built).is_empty


def test_an_assignment_touches_the_days_on_which_it_is_valid(built: Installation) -> None:
    span = "ann,van-1,2026-03-03T00:00:00Z,2026-03-03T12:00:00Z"
    write(built, "driver_assignments", ASSIGNMENTS_FILE.format(rows=span))
    first = {*plan(built).reasons.get("trips", {})}
    assert MONDAY not in first
    write(built, "driver_assignments", ASSIGNMENTS_FILE.format(rows="ann,van-1,2026-03-01T00:00:00Z,"))
    assert MONDAY in plan(built).reasons["trips"]
    build(built)
    assert built.lake.scan(TRIPS).filter(vehicle_id="van-1").collect()["driver_id"].to_list() == ["ann"]


@pytest.mark.parametrize(
    ("setting", "value", "tables"),
    [
        (
            "timezone",
            "Asia/Tokyo",
            {"trips", "stops", "soc_transitions", "fuel_events", "theft_candidates", "alarms", *CHARGES},
        ),
        ("theft_alarm_budget", 1.0, {"alarms"}),
        ("grid_seconds", 2, {"telemetry"}),
    ],
)
def test_a_setting_makes_stale_what_reads_it_and_says_so(
    built: Installation, setting: str, value: object, tables: set[str]
) -> None:
    other = Installation(built.settings.model_copy(update={setting: value}))
    found = plan(other).reasons
    assert {name for name, days in found.items() if any("settings" in why for why in days.values())} == tables


def test_reasons_say_what_moved(built: Installation) -> None:
    built.landing.append("telemetry", drive("van-1", at("2026-03-02 12:00")), "late")
    built.landing.append("telemetry", drive("van-1", at("2026-04-07 12:00")), "next")
    found = plan(built).reasons
    assert found["raw_telemetry"] == {MONDAY: ("what landed",), date(2026, 4, 7): ("new",)}
    assert found["telemetry"][MONDAY] == ("inputs",)
    assert {*found["trips"].values()} == {("inputs",), ("new",)}


def test_a_forecast_counts_days_and_takes_the_time_that_such_days_took(built: Installation) -> None:
    built.landing.append("telemetry", drive("van-1", at("2026-03-02 12:00")), "late")
    found = {one.table: one for one in forecast(built, plan(built))}
    raw = found["raw_telemetry"]
    assert (raw.days, raw.first, raw.last, raw.reasons) == (1, MONDAY, MONDAY, {"what landed": 1})
    # A stop is final with a trip; a power session that becomes final a week later makes none.
    assert found["stops"].days == 5
    assert all(one.seconds is not None and 0 < one.seconds < 60 for one in found.values() if one.table != "ingest_gaps")
    assert [*found].index("raw_telemetry") < [*found].index("telemetry") < [*found].index("trips")


def test_days_of_the_release_before_stay_current_and_what_is_made_otherwise_since_does_not(built: Installation) -> None:
    tables = [maker.table for maker in DAY_TABLES.values()]
    for table in tables:
        for day in built.lake.days(table):
            _say_as_before(built, table, day)
    found = plan(built).reasons
    kept = {"ingest_gaps", "ingest_hourly", "ingest_quarantined", "ingest_outages", "raw_can", "can_signals"}
    stale = {name for name, days in found.items() if any("code or rules" in why for why in days.values())}
    assert stale == {table.name for table in tables if built.lake.days(table)} - kept
    assert not {"ingest_gaps", "ingest_quarantined", "raw_can", "can_signals"} & found.keys()


def _say_as_before(installation: Installation, table: Table, day: date) -> None:
    """Give a partition the record that the release before would have written."""
    inputs = former_fingerprint(DAY_TABLES[table.name], installation, day) or "79ab921af5e9"
    rows = installation.lake.scan(table, [day]).collect()
    installation.lake.write(table, day, rows, inputs)


def test_how_far_an_event_reaches_is_said_once() -> None:
    assert TRIPS.touches == (33, 1)
    assert STOPS.touches == (64, 1)
    assert TELEMETRY.touches == (0, 0)
    assert STOPS.reach == STOPS.look_back + TRIPS.reach
    assert datetime(2026, 3, 2, tzinfo=UTC) - STOPS.reach < datetime(2026, 3, 2, tzinfo=UTC) - timedelta(days=62)
