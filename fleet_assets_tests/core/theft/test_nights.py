"""Nights: rests that lost together what none of them shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from fleet_assets.contracts import TIMESTAMP
from fleet_assets.core.theft.nights import nightly_losses
from fleet_assets.core.theft.rules import NightRules
from fleet_assets_tests.core.fuel.tanks import Tank
from fleet_assets_tests.core.theft.cases import candidates_of

EVENING = datetime(2025, 3, 3, 20, tzinfo=UTC)
DAY = timedelta(days=1)
SWINGS = (-0.6, 0.2, -0.9, 0.4, -0.3, -1.1, 0.1)
"""l that quiet nights change; the median is -0.3."""


def rests(*changes: float, vehicle: str = "lorry", in_litres: bool = True) -> pl.DataFrame:
    """Stays of one tank of 400 l from evening to morning, one a day, and what each changed."""
    begins = [EVENING + k * DAY for k in range(len(changes))]
    ends = [at + timedelta(hours=10) for at in begins]
    scale = 4.0 if in_litres else 1.0
    left = [change if in_litres else change / 4 for change in changes]
    return pl.DataFrame({
        "vehicle_id": [vehicle] * len(changes), "started_at": begins, "ended_at": ends,
        "closed_at": [at + timedelta(hours=1) for at in ends], "left": left, "left_sd": [0.2 * scale] * len(changes),
        "scale": [scale] * len(changes), "in_litres": [in_litres] * len(changes),
    }).cast(dict.fromkeys(("started_at", "ended_at", "closed_at"), TIMESTAMP))  # fmt: skip


def found(stays: pl.DataFrame, rules: NightRules | None = None) -> pl.DataFrame:
    return nightly_losses(stays, rules or NightRules())


def test_nights_of_siphoning_are_told_with_the_night_that_lifts_them_over_the_threshold() -> None:
    told = found(rests(*SWINGS, *SWINGS, -3.6, -3.9, -3.3, -3.5, -3.8))
    assert told.height == 1
    row = told.row(0, named=True)
    assert row["started_at"] == EVENING + 14 * DAY
    assert EVENING + 15 * DAY < row["ended_at"] < EVENING + 17 * DAY
    nights = row["nights"]
    assert row["change"] == pytest.approx(0.3 * nights - sum((3.6, 3.9, 3.3)[:nights]), abs=0.01)


def test_what_a_vehicle_usually_loses_overnight_is_no_loss() -> None:
    assert found(rests(*(swing - 1.5 for swing in SWINGS * 4))).is_empty()


def test_one_night_makes_no_series_however_much_it_lost() -> None:
    assert found(rests(*SWINGS, *SWINGS, -40.0, *SWINGS)).is_empty()


def test_a_series_that_goes_on_is_told_once_and_a_new_one_again() -> None:
    series = (-3.6, -3.9, -3.3, -3.5, -3.8)
    told = found(rests(*SWINGS, *SWINGS, *series, *SWINGS, *SWINGS, *SWINGS, *series))
    assert told["started_at"].to_list() == [EVENING + 14 * DAY, EVENING + 40 * DAY]


def test_without_a_history_nights_have_to_lose_more_than_cooling_may_take() -> None:
    assert found(rests(-1.2, -0.9, -1.3, -1.0)).is_empty()
    assert found(rests(-6.0, -6.5, -6.2, -5.9)).height == 1


def test_vehicles_do_not_mix_and_short_stops_or_unknown_changes_do_not_count() -> None:
    calm = rests(*SWINGS, *SWINGS, *SWINGS)
    thieves = rests(*SWINGS, *SWINGS, -3.6, -3.9, -3.3, -3.5, -3.8, vehicle="van")
    stops = thieves.with_columns(ended_at=pl.col("started_at") + timedelta(hours=1))
    unknown = thieves.with_columns(left=pl.lit(float("nan")))
    assert found(pl.concat([thieves, calm]))["vehicle_id"].to_list() == ["van"]
    assert found(pl.concat([stops, unknown])).is_empty()
    assert found(calm.clear()).is_empty()


def test_a_tank_of_unknown_size_is_told_in_points() -> None:
    told = found(rests(*SWINGS, *SWINGS, -3.6, -3.9, -3.3, -3.5, -3.8, in_litres=False))
    assert told.select("in_litres", "scale").rows() == [(False, 1.0)]
    assert -3 < told["change"][0] < -1


def test_siphoning_a_few_litres_a_night_is_a_candidate_within_five_nights() -> None:
    tank = Tank(litres=395, slosh_pct=0.5, noise_pct=0.5, step_pct=0.4, per_km=0.05, step_s=60).works(8)
    begun = tank.now
    for _ in range(5):
        tank = tank.drive(30).stand(600).fill(-4, 5).stand(24 * 60 - 635)
    told = candidates_of(tank.drive(60).stand(60).frame()).filter(pl.col("kind") == "nights")
    assert told.height == 1
    row = told.row(0, named=True)
    assert begun - DAY <= row["started_at"]
    assert row["ended_at"] <= begun + 5 * DAY
    assert 6 < row["volume_l"] < 24
    assert (row["compared"], row["zone_id"]) == (0, None)
    assert row["size_over_noise"] >= NightRules().sigma
