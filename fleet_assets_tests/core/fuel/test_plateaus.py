"""Plateaus: which readings make one level, what is left out, and that midnight cuts them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import FUEL_PLATEAUS, TELEMETRY
from fleet_assets_tests.core.fuel.tanks import START, Tank, plateaus_of


def _minutes(found: pl.DataFrame) -> list[tuple[float, float]]:
    since = [(pl.col(name) - START).dt.total_seconds() / 60 for name in ("started_at", "ended_at")]
    return found.select(since).rows()


def test_no_telemetry_gives_no_plateau() -> None:
    assert_frame_equal(plateaus_of(TELEMETRY.empty()), FUEL_PLATEAUS.empty())


def test_rows_without_any_level_give_no_plateau() -> None:
    history = Tank().drive(30).frame().with_columns(pl.lit(None, pl.Float64).alias("fuel_level_pct"))
    assert plateaus_of(history).height == 0


def test_one_reading_is_a_plateau_of_few() -> None:
    found = plateaus_of(Tank(step_s=60).stand(1).frame())
    assert found.select("level_pct", "sample_count", "quality").rows() == [(50.0, 1, "few")]


def test_driving_makes_a_level_every_ten_minutes() -> None:
    found = plateaus_of(Tank(slosh_pct=0.0, step_s=60).drive(25).frame())
    assert _minutes(found) == [(0, 9), (10, 19), (20, 24)]
    assert found["is_moving"].to_list() == [True, True, True]
    assert found["driven_km"].to_list() == pytest.approx([4, 10, 8])


def test_the_first_minute_of_a_stand_sloshes_and_is_left_out() -> None:
    found = plateaus_of(Tank(slosh_pct=0.0).drive(10).stand(4).frame())
    stand = found.filter(~pl.col("is_moving"))
    assert _minutes(stand)[0] == pytest.approx((10 + 50 / 60, 14 - 10 / 60))


def test_a_stand_that_says_the_same_all_night_is_one_plateau() -> None:
    found = plateaus_of(Tank(step_s=600, now=START.replace(hour=1)).stand(600).frame())
    assert found.select("sample_count", "level_mad_pct").rows() == [(60, 0.0)]


def test_a_change_while_it_stands_makes_a_new_plateau() -> None:
    found = plateaus_of(Tank(step_s=60).stand(20).fill(40, 1).stand(20).frame())
    assert found["level_pct"].to_list()[0] == 50.0
    assert found["level_pct"].to_list()[-1] == 60.0


def test_midnight_cuts_a_plateau_and_each_day_is_its_own() -> None:
    midnight = datetime(2024, 5, 14, tzinfo=START.tzinfo)
    history = Tank(now=midnight - timedelta(minutes=100)).drive(40).stand(80).drive(40).frame()
    both = plateaus_of(history)
    is_first = pl.col("recorded_at") < midnight
    apart = [plateaus_of(history.filter(part)) for part in (is_first, ~is_first)]
    assert_frame_equal(both, pl.concat(apart))
    assert not both.filter((pl.col("started_at") < midnight) & (pl.col("ended_at") >= midnight)).height


def test_the_median_of_a_sloshing_tank_is_near_its_level() -> None:
    found = plateaus_of(Tank(slosh_pct=8.0, step_s=1.0, per_km=0.0).drive(30).frame())
    assert found["level_pct"].to_list() == pytest.approx([50.0] * 3, abs=1.5)
    assert set(found["quality"]) == {"noisy"}


def test_readings_of_zero_are_left_out_and_a_plateau_of_nothing_else_is_a_fault() -> None:
    tank = Tank(step_s=60).stand(4).stand(2, fuel_level_pct=0.0).stand(4).stand(30, fuel_level_pct=0.0)
    found = plateaus_of(tank.frame())
    assert found["quality"].unique().sort().to_list() == ["fault", "ok"]
    assert set(found.filter(pl.col("quality") != "fault")["level_pct"]) == {50.0}
    assert found["left_out_count"].sum() == 2


def test_a_code_that_alternates_with_levels_is_left_out() -> None:
    history = Tank(step_s=10, slosh_pct=0.6).drive(40).frame().with_row_index("row")
    mixed = history.with_columns(
        pl.when(pl.col("row") % 3 == 0).then(76.8).otherwise("fuel_level_pct").alias("fuel_level_pct")
    )
    found = plateaus_of(mixed.drop("row"))
    assert found["level_pct"].to_list() == pytest.approx([49.4, 48.1, 46.9, 45.6], abs=1)
    assert found["left_out_count"].min() == 20


def test_hours_of_a_code_are_plateaus_of_a_filler() -> None:
    tank = Tank(step_s=60).stand(30).stand(60, fuel_level_pct=76.8).stand(30).stand(60, fuel_level_pct=76.8).stand(30)
    found = plateaus_of(tank.frame())
    fillers = found.filter(pl.col("quality") == "filler")
    assert set(fillers["level_pct"]) == {76.8}
    assert fillers["sample_count"].sum() == 120


def test_a_coarse_sender_that_goes_to_and_fro_between_two_steps_has_no_filler() -> None:
    found = plateaus_of(Tank(step_s=10, step_pct=12.5, litres=175, slosh_pct=6.0, per_km=0.0).drive(60).frame())
    assert "filler" not in found["quality"].to_list()
    assert found["level_step_pct"].unique().to_list() == [12.5]


def test_the_ignition_parts_two_plateaus() -> None:
    found = plateaus_of(Tank(step_s=60).stand(10, ignition=True).stand(10).frame())
    assert found["is_ignition_on"].to_list()[0] is True
    assert found["is_ignition_on"].to_list()[-1] is False


def test_where_nothing_tells_of_motion_a_plateau_says_so() -> None:
    history = Tank(step_s=60).stand(20).frame().select("vehicle_id", "recorded_at", "source", "fuel_level_pct")
    assert plateaus_of(TELEMETRY.conform(history.lazy()).collect())["is_moving"].unique().to_list() == [None]


def test_two_tanks_and_litres_are_told_beside_the_level() -> None:
    history = Tank(step_s=60).stand(5).frame().with_columns(
        pl.lit(30.0).alias("fuel_level_2_pct"), pl.lit(88.5).alias("fuel_level_l")
    )  # fmt: skip
    assert plateaus_of(history).select("level_pct", "level_2_pct", "level_l").rows() == [(50.0, 30.0, 88.5)]


def test_the_better_source_of_a_day_is_named() -> None:
    tank = Tank(step_s=60).stand(5)
    other = replace(tank, source="tracker", rows=()).stand(5)
    both = pl.concat([tank.frame(), replace(other, now=START).frame()])
    assert set(plateaus_of(both)["source"]) == {"can"}


def test_the_order_of_rows_and_repeated_rows_change_nothing() -> None:
    history = Tank().drive(40).stand(30).fill(50, 3).stand(30).drive(20).frame()
    mixed = pl.concat([history.sample(fraction=1.0, shuffle=True, seed=3), history.head(200)])
    assert_frame_equal(plateaus_of(mixed), plateaus_of(history))


def test_zeros_of_a_second_tank_are_no_level_of_it() -> None:
    both = Tank(step_s=60).stand(30).frame().with_columns(fuel_level_2_pct=pl.lit(0.0))
    assert plateaus_of(both).select("level_pct", "level_2_pct", "quality").rows() == [(50.0, None, "ok")]
    alone = both.with_columns(fuel_level_pct=pl.lit(None, pl.Float64))
    assert plateaus_of(alone).select("level_pct", "level_2_pct", "quality").rows() == [(None, 0.0, "fault")]


def test_a_value_beyond_the_scale_of_levels_is_a_value_like_any_other() -> None:
    """Litres above the largest tank that is told apart: its readings are judged, and none is misread."""
    history = Tank(step_s=60).stand(30).stand(30, fuel_level_pct=100.0).stand(30)
    litres = history.frame().with_columns(fuel_level_l=60 * pl.col("fuel_level_pct"))
    assert plateaus_of(litres)["level_l"].max() == 6000.0
