"""`fleet plot` and `fleet whatif`, in the process of the test, on a small installation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.contracts import FUEL_EVENTS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.fixtures.drives import drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = MORNING.date()
MADE = (
    "raw_telemetry", "telemetry", "last_readings", "readings_before_silence", "trips", "fuel_plateaus", "fuel_balance",
    "fuel_events",
)  # fmt: skip


def tank_at_night() -> pl.DataFrame:
    """A lorry that drives, stands for hours with a refuel in them, and drives on; a level every ten seconds."""
    before, after = drive("van-1", MORNING, minutes=90), drive("van-1", MORNING + timedelta(hours=4), minutes=90)
    levels = [(before, 30.0), (after, 70.0)]
    told = [rows.with_columns(pl.lit(level).alias("fuel_level_pct")) for rows, level in levels]
    return pl.concat([rows.with_columns(pl.lit(True).alias("is_ignition_on")) for rows in told])


@pytest.fixture
def driven(installation: Installation) -> Installation:
    installation.landing.append("telemetry", tank_at_night(), "day")
    for name in MADE:
        list(store_days(installation, DAY_TABLES[name], [DAY, DAY + timedelta(days=1)], only_stale=False))
    return installation


def test_what_is_drawn_is_there_to_be_drawn(driven: Installation) -> None:
    assert driven.lake.scan(FUEL_EVENTS).collect()["kind"].to_list() == ["refuel"]


@pytest.mark.parametrize("kind", ["fuel", "trips"])
def test_a_picture_of_a_vehicle_is_written_where_it_was_asked_for(
    driven: Installation, fleet_here: FleetHere, tmp_path: Path, kind: str
) -> None:
    output = tmp_path / "picture.png"
    done = fleet_here("plot", kind, "van-1", "--from", "2026-03-01", "--to", "2026-03-03", "--output", output)
    assert (done.code, done.err) == (0, "")
    assert output.read_bytes().startswith(b"\x89PNG")
    assert str(output) in done.out.replace("\n", "")
    assert driven.lake.days(FUEL_EVENTS)


def test_a_vehicle_that_does_not_exist_is_refused_with_the_nearest_name(
    driven: Installation, fleet_here: FleetHere
) -> None:
    done = fleet_here("plot", "trips", "van1")
    assert (done.code, done.err.strip()) == (2, "fleet: there is no vehicle 'van1'; did you mean van-1?")
    assert driven.lake.days(FUEL_EVENTS)


def test_a_span_that_ends_before_it_begins_is_refused(driven: Installation, fleet_here: FleetHere) -> None:
    done = fleet_here("plot", "trips", "van-1", "--from", "2026-03-03", "--to", "2026-03-01")
    assert (done.code, done.err.strip()) == (2, "fleet: --from 2026-03-03 lies after --to 2026-03-01")
    assert driven.lake.days(FUEL_EVENTS)


def test_other_rules_of_fuel_say_what_changes_and_write_the_difference(
    driven: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    output = tmp_path / "difference.csv"
    done = fleet_here("whatif", "fuel", "--rule", "min_refuel_pct=60", "--output", output)
    assert done.code == 0, done.err
    assert "min_refuel_pct 60 instead of 2" in done.out
    assert "0 new, 1 gone, 0 changed, 0 same" in done.out
    assert pl.read_csv(output)["change"].to_list() == ["gone"]
    assert driven.lake.scan(FUEL_EVENTS).collect().height == 1


def test_other_rules_of_trips_join_two(driven: Installation, fleet_here: FleetHere) -> None:
    done = fleet_here("whatif", "trips", "--stop-s", 100_000)
    assert done.code == 0, done.err
    assert "1 gone" in done.out
    assert driven.lake.scan(DAY_TABLES["trips"].table).collect().height == 2


def test_the_rules_in_force_are_no_question(driven: Installation, fleet_here: FleetHere) -> None:
    done = fleet_here("whatif", "trips", "--stop-s", 300)
    assert done.code == 2
    assert "these are the rules in force; name another value of one: " in done.err
    assert "stop_s=300" in done.err
    assert driven.lake.days(FUEL_EVENTS)


def test_a_rule_without_a_number_is_refused(driven: Installation, fleet_here: FleetHere) -> None:
    done = fleet_here("whatif", "trips", "--rule", "stop_s=long")
    assert (done.code, done.err.strip()) == (
        2, "fleet: --rule 'stop_s=long' is not NAME=VALUE with a number, such as stop_s=600",
    )  # fmt: skip
    assert driven.lake.days(FUEL_EVENTS)
