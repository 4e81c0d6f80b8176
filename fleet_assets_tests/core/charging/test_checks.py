"""Charges whose witnesses contradict each other are named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from fleet_assets.contracts import CHARGING_SESSIONS, POWER_SESSIONS
from fleet_assets.core.charging.checks import agreement_sentences, plug_in_overlap_sentences, side_sentences
from fleet_assets_tests.core.charging.plugged import MONDAY


def _charges(*rows: Mapping[str, object]) -> pl.LazyFrame:
    same = {"vehicle_id": "car", "start_soc_pct": 20.0, "end_soc_pct": 80.0, "energy_source": "battery"}
    every = [{**same, "started_at": MONDAY + timedelta(days=k), **row} for k, row in enumerate(rows)]
    return pl.DataFrame(every, schema=POWER_SESSIONS.schema).lazy()


def test_a_battery_that_took_more_than_its_charger_gave_is_named() -> None:
    found = side_sentences(
        _charges(
            {"energy_ac_kwh": 30.0, "energy_battery_kwh": 33.0},
            {"energy_ac_kwh": 33.0, "energy_battery_kwh": 30.0},
            {"energy_ac_kwh": None, "energy_battery_kwh": 30.0},
        )
    )
    assert found == [f"car {MONDAY}: 33.0 kWh into the battery of 30.0 kWh from the charger"]


def test_a_charge_that_tells_of_another_battery_than_the_others_is_named() -> None:
    found = agreement_sentences(
        _charges(*({"energy_added_kwh": kwh} for kwh in (30.0, 31.0, 45.0)),
                 {"energy_added_kwh": 9.0, "energy_source": "soc"}, {"energy_added_kwh": 9.0, "end_soc_pct": 25.0})
    )  # fmt: skip
    day = MONDAY + timedelta(days=2)
    assert found == [f"car {day}: a battery of 75.0 kWh by this charge, of 51.7 kWh by the others"]


def test_two_plug_ins_at_one_time_are_named() -> None:
    rows = [
        {"vehicle_id": "car", "plugged_at": plugged, "unplugged_at": plugged + timedelta(hours=length)}
        for plugged, length in ((MONDAY, 5), (MONDAY + timedelta(hours=4), 2), (MONDAY + timedelta(hours=6), 1))
    ]
    plug_ins = pl.DataFrame(rows, schema=CHARGING_SESSIONS.schema).lazy()
    named = MONDAY + timedelta(hours=4)
    assert plug_in_overlap_sentences(plug_ins) == [f"car: the one of {named} begins before the previous one ended"]
