"""Detectors of others: what each finds, and the failures that are known of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from fleet_assets.core.theft.baselines import BASELINES
from fleet_assets.core.theft.baselines.additive import additive_score
from fleet_assets.core.theft.baselines.forest import row_forest
from fleet_assets.core.theft.baselines.readings import READING, SCORED, readings_of
from fleet_assets.core.theft.baselines.signal_to_noise import signal_to_noise
from fleet_assets.core.theft.baselines.stays import stay_medians
from fleet_assets.core.theft.baselines.steps import ten_minutes, ten_points, two_readings
from fleet_assets_tests.core.fuel.tanks import START, Tank, events_of, told
from fleet_assets_tests.core.theft.cases import candidates_of, readings

STILL = Tank(slosh_pct=0.0, step_pct=0.1, step_s=60)


def _above(found: pl.DataFrame, threshold: float) -> pl.DataFrame:
    assert found.schema == SCORED
    return found.filter(pl.col("score") >= threshold)


@pytest.mark.parametrize("name", BASELINES)
def test_no_reading_gives_no_event_and_one_reading_neither(name: str) -> None:
    find = BASELINES[name].find
    one = readings(STILL.stand(1).frame())
    assert find(READING.to_frame()).height == 0
    assert find(one).height == 0


@pytest.mark.parametrize("name", ["two readings", "ten points", "ten minutes", "stay medians", "additive score"])
def test_a_large_theft_at_night_is_found_once(name: str) -> None:
    night = replace(STILL, now=START.replace(hour=22)).drive(30).stand(60).fill(-150, 1).stand(400).drive(30)
    found = _above(BASELINES[name].find(readings(night.frame())), BASELINES[name].usual)
    assert found.height == 1
    # Six hours before the theft it drove: the additive score counts that in.
    assert found["volume_l"][0] == pytest.approx(150, abs=16)
    stolen = START.replace(hour=23, minute=30)
    assert found["started_at"][0] <= stolen + timedelta(minutes=2)
    assert found["ended_at"][0] >= stolen


def test_a_theft_of_twenty_minutes_has_no_step_of_two_readings() -> None:
    slow = STILL.drive(30).stand(60).fill(-40, 20).stand(100).drive(30)
    assert _above(two_readings(readings(slow.frame())), 10).is_empty()
    assert _above(stay_medians(readings(slow.frame())), 10)["volume_l"].sum() == pytest.approx(40, abs=3)


def test_ten_and_ten_litres_across_the_edge_of_an_hour_are_two_falls_to_an_hourly_job() -> None:
    """The tables of this platform see one."""
    tank = replace(STILL, now=START + timedelta(minutes=55)).drive(60)
    stolen = tank.fill(0, 2).fill(-10, 3).fill(-10, 3).stand(120).drive(60)
    assert stolen.frame()["recorded_at"].dt.hour().n_unique() > 2
    found = stay_medians(readings(stolen.frame()))
    assert found["volume_l"].to_list() == pytest.approx([10, 10], abs=4)
    assert found["volume_l"].sum() == pytest.approx(20, abs=1)
    assert _above(found, 15).is_empty()
    assert [kind for kind, _ in told(events_of(stolen.frame()))] == ["theft"]


def test_an_outage_of_the_collector_is_a_theft_to_those_who_know_no_time() -> None:
    outage = STILL.works(1).drive(60).silent(180, kmh=60).drive(60)
    found = readings(outage.frame())
    for finder in (two_readings, ten_points, ten_minutes):
        assert _above(finder(found), 10).height >= 1, finder
    assert told(events_of(outage.frame())) == []


def test_slosh_is_a_theft_to_those_who_compare_two_readings() -> None:
    rough = Tank(slosh_pct=6.0, step_s=60).drive(240)
    assert _above(two_readings(readings(rough.frame())), 10).height > 10
    assert _above(stay_medians(readings(rough.frame())), 10).is_empty()


def test_what_lies_before_the_newest_two_hundred_readings_of_an_hour_is_never_seen() -> None:
    quick = replace(STILL, step_s=10.0, now=START.replace(minute=0))
    early, late = (quick.stand(wait).fill(-100, 0.2).stand(59 - wait).frame() for wait in (5, 40))
    assert _above(ten_points(readings(early)), 10).is_empty()
    assert _above(ten_points(readings(late)), 10).height >= 1


def test_siphoning_of_a_few_litres_a_night_is_seen_by_none_of_them() -> None:
    tank = STILL
    for _ in range(4):
        tank = tank.drive(60).stand(600).fill(-4, 10).stand(24 * 60 - 670)
    night = readings(tank.frame())
    usual = [name for name in BASELINES if name != "row forest"]
    assert [name for name in usual if _above(BASELINES[name].find(night), BASELINES[name].usual).height] == []


def test_a_small_theft_is_below_what_the_additive_score_looks_at() -> None:
    small, large = (STILL.drive(2).stand(60).fill(-litres, 5).stand(400).frame() for litres in (50, 60))
    assert additive_score(readings(small)).is_empty()
    assert additive_score(readings(large)).height == 1


def test_the_additive_score_falls_where_the_level_comes_back_and_where_it_drove() -> None:
    parked = STILL.drive(30).stand(60).fill(-120, 5).stand(400)
    back = STILL.drive(30).stand(60).fill(-120, 5).stand(30).fill(119, 5).stand(300)
    drove = Tank(slosh_pct=0.0, step_s=60, per_km=1.5).drive(200).stand(60)
    found = [additive_score(readings(one.frame())) for one in (parked, back, drove)]
    assert [_above(one, 85).height > 0 for one in found] == [True, False, False]
    assert [one.height > 0 for one in found] == [True, True, True]


def test_the_forest_calls_a_twentieth_of_all_rows_anomalous_whatever_happens() -> None:
    calm = Tank(step_s=60).works(6).frame()
    found = row_forest(readings(calm))
    assert found.height >= 1
    assert (found["volume_l"] > 0).all()
    assert row_forest(readings(calm)).equals(found)


def test_litres_and_points_are_of_both_tanks_together() -> None:
    rows = STILL.stand(3).frame().with_columns(fuel_level_pct=pl.lit(50.0), fuel_level_2_pct=pl.lit(25.0))
    tanks = pl.DataFrame({"vehicle_id": ["lorry"], "tank_l": [400.0], "tank_2_l": [200.0], "timezone": ["Asia/Tokyo"]})
    told_of = readings_of(rows, tanks).row(0, named=True)
    assert (told_of["litres"], told_of["capacity_l"], told_of["pct"]) == (250, 600, pytest.approx(250 / 6))
    assert (told_of["local_hour"], told_of["local_weekday"]) == (15, 1)


def test_signal_to_noise_judges_falls_that_nothing_of_the_source_explains() -> None:
    found = candidates_of(Tank().works(3).drive(60).stand(240).fill(-40, 10).stand(240).drive(60).stand(60).frame())
    sizes = pl.DataFrame({"vehicle_id": ["lorry"], "capacity_l": [400.0]})
    judged = signal_to_noise(found, sizes)
    assert judged.select("vehicle_id", "started_at", "ended_at", "volume_l", "closed_at").equals(
        found.select("vehicle_id", "started_at", "ended_at", "volume_l", "closed_at")
    )
    assert judged["score"].equals(found["size_over_noise"].alias("score"))
    unknown = found.with_columns(volume_l=pl.lit(None, pl.Float64))
    assert signal_to_noise(unknown, sizes)["volume_l"].to_list() == pytest.approx(found["volume_l"].to_list())
    for name in ("is_in_outage", "is_of_source"):
        assert signal_to_noise(found.with_columns(pl.lit(value=True).alias(name)), sizes).is_empty()
    assert signal_to_noise(found.with_columns(kind=pl.lit("returned")), sizes).is_empty()
