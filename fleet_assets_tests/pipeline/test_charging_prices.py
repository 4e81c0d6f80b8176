"""A changed price rewrites the sessions that it reaches, and no others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from fleet_assets.contracts import CHARGING_HOURS, CHARGING_SESSIONS, POWER_SESSIONS, RAW_TELEMETRY, STOPS
from fleet_assets.installation import Installation
from fleet_assets_tests.core.charging.plugged import Car
from fleet_assets_tests.pipeline.test_day_tables import build, plan, write
from fleet_assets_tests.proofs.histories.lakes import new_installation

PRICES_FILE = "kind,price,currency,valid_from,valid_to\n{rows}"
FIRST = "electricity,{},EUR,2026-03-01,2026-03-11"
SECOND = "electricity,{},EUR,2026-03-11,"
COSTED = {CHARGING_SESSIONS.name, POWER_SESSIONS.name, CHARGING_HOURS.name}


def declare_prices(installation: Installation, first: float, second: float) -> None:
    write(installation, "energy_prices", PRICES_FILE.format(rows=f"{FIRST.format(first)}\n{SECOND.format(second)}"))


def land(installation: Installation, car: Car, name: str) -> None:
    rows = car.frame().with_columns(received_at=pl.col("recorded_at")).with_row_index("number")
    numbered = rows.select(pl.exclude("number"), pl.format("{}-{}", pl.lit(name), "number").alias("entry_id"))
    installation.landing.append("telemetry", RAW_TELEMETRY.conform(numbered.lazy()).collect(), name)


@pytest.fixture
def charged(tmp_path: Any) -> Installation:
    """A car that charges on three evenings: before, over and after the instant at which the price changes."""
    installation = new_installation(tmp_path)
    write(installation, "vehicles", "vehicle_id,battery_capacity_kwh,powertrain\ncar,50,bev")
    declare_prices(installation, 0.3, 0.4)
    for day in (4, 10, 14):
        evening = datetime(2026, 3, day, 21, tzinfo=UTC)
        car = Car(evening, step_s=60.0, soc=10.0).drive(3600).charge(4 * 3600).rest(900).drive(600)
        land(installation, car, f"evening-{day}")
    build(installation)
    assert plan(installation).is_empty
    return installation


def costs(installation: Installation) -> list[float]:
    return installation.lake.scan(CHARGING_SESSIONS).sort("plugged_at").collect()["cost"].round(2).to_list()


def test_a_changed_price_rewrites_exactly_the_sessions_in_its_span(charged: Installation) -> None:
    assert costs(charged) == pytest.approx([8.4, 2 * 7 * 0.3 + 2 * 7 * 0.4, 11.2], abs=0.05)
    before = costs(charged)
    declare_prices(charged, 0.3, 0.5)
    reasons = plan(charged).reasons
    assert set(reasons) == COSTED | {STOPS.name}  # which read power sessions, and change no byte
    assert all(day >= date(2026, 3, 11) for name in COSTED for day in reasons[name])
    rewritten = build(charged)
    assert rewritten.changed == {(name, day) for name in COSTED for day in ("2026-03-11", "2026-03-15")}
    assert costs(charged)[0] == before[0]
    assert costs(charged)[2] == pytest.approx(14.0, abs=0.05)
    assert plan(charged).is_empty


def test_a_price_that_is_over_before_and_one_for_fuel_rewrite_nothing(charged: Installation) -> None:
    rows = "\n".join([FIRST.format(0.3), SECOND.format(0.4), "electricity,0.1,EUR,2025-01-01,2025-02-01"])
    write(charged, "energy_prices", PRICES_FILE.format(rows=rows))
    assert build(charged).changed == frozenset()
    assert plan(charged).is_empty


def test_sessions_are_published_once_each_whatever_the_order_of_arrival(charged: Installation) -> None:
    late = (
        Car(datetime(2026, 3, 7, 21, tzinfo=UTC), step_s=60.0, soc=10.0).drive(3600).charge(7200).rest(900).drive(600)
    )
    land(charged, late, "late")
    build(charged)
    plug_ins = charged.lake.scan(CHARGING_SESSIONS).collect()
    assert plug_ins["plugged_at"].dt.date().sort().to_list() == [date(2026, 3, day) for day in (4, 7, 10, 14)]
    power = charged.lake.scan(POWER_SESSIONS).collect()
    hours = charged.lake.scan(CHARGING_HOURS).collect()
    assert set(power["session_id"]) == set(plug_ins["session_id"])
    assert hours["energy_ac_kwh"].sum() == pytest.approx(plug_ins["energy_ac_kwh"].sum())
    assert power.filter(pl.col("closed_at") - pl.col("ended_at") > timedelta(minutes=15)).is_empty()
