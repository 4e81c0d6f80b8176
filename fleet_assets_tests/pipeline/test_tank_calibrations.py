"""A changed calibration rewrites the balance of the days in which it was in force, and of those that learn of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from fleet_assets.contracts import FUEL_BALANCE, RAW_TELEMETRY
from fleet_assets.core.fuel.learnt import LearntRules
from fleet_assets_tests.core.fuel.tanks import Tank
from fleet_assets_tests.pipeline.test_day_tables import build, plan, write
from fleet_assets_tests.proofs.histories.lakes import new_installation

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAYS = 18
UNTIL = date(2026, 3, 4)
"""From when another curve is in force."""
LEARNT = timedelta(days=LearntRules.days)
"""How far back lies what a day learns its consumption from."""


def curves(first_full_l: float) -> str:
    rows = [f"lorry,1,{pct},{litres},,{UNTIL}" for pct, litres in ((0, 0.0), (100, first_full_l))]
    rows += [f"lorry,1,{pct},{litres},{UNTIL}," for pct, litres in ((0, 0.0), (100, 400.0))]
    return "\n".join(["vehicle_id,tank,level_pct,volume_l,valid_from,valid_to", *rows])


def test_days_that_learn_from_a_changed_curve_are_made_anew(tmp_path: Path) -> None:
    installation = new_installation(tmp_path)
    write(installation, "vehicles", "vehicle_id,powertrain,tank_capacity_l\nlorry,ice,400")
    write(installation, "tank_calibrations", curves(400.0))
    rows = Tank(now=START, step_s=120, litres=390, per_km=0.25).works(DAYS).frame()
    numbered = rows.with_columns(received_at=pl.col("recorded_at")).with_row_index("number")
    named = numbered.select(pl.exclude("number"), pl.format("row-{}", "number").alias("entry_id"))
    installation.landing.append("telemetry", RAW_TELEMETRY.conform(named.lazy()).collect(), "rows")
    build(installation)
    assert plan(installation).is_empty

    write(installation, "tank_calibrations", curves(380.0))
    stale = plan(installation).reasons[FUEL_BALANCE.name]
    rewritten = {day for name, day in build(installation).changed if name == FUEL_BALANCE.name}
    days = [START.date() + timedelta(days=k) for k in range(DAYS)]
    assert {*stale} >= {*days}
    assert rewritten == {str(day) for day in days if day < UNTIL + LEARNT}
    assert days[-1] > UNTIL + LEARNT, "there are days that learn nothing of the curve that changed"
    assert plan(installation).is_empty
