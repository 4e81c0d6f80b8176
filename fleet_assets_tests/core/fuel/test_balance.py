"""Balance: litres of levels, what was burned meanwhile, and how sure both are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import TANK_CALIBRATIONS, TELEMETRY
from fleet_assets.core.fuel import burned_by_level, fuel_balance
from fleet_assets_tests.core.fuel.tanks import DAY, START, Tank, balance_of, fleet, plateaus_of, window_of

NOBODY = TANK_CALIBRATIONS.empty()


def _curve(*points: tuple[float, float], tank: int = 1) -> pl.DataFrame:
    rows = [
        {"vehicle_id": "lorry", "tank": tank, "level_pct": float(level), "volume_l": float(litres)}
        for level, litres in points
    ]
    return TANK_CALIBRATIONS.conform(pl.DataFrame(rows).lazy()).collect()


def test_a_change_is_told_in_litres_and_points() -> None:
    found = balance_of(Tank(step_s=60).stand(30).fill(40, 1).stand(30).frame())
    assert found["change_l"].sum() == pytest.approx(40)
    assert found["change_pct"].sum() == pytest.approx(10)
    assert "rise" in found["step"].to_list()


def test_changes_between_plateaus_add_up_to_the_difference_of_the_first_and_the_last() -> None:
    found = balance_of(Tank().drive(90).stand(30).fill(60, 3).stand(20).drive(60).frame())
    first, last = found["volume_before_l"][0], found["volume_after_l"][-1]
    assert found["change_l"].sum() == pytest.approx(last - first)


def test_without_a_tank_size_there_are_points_and_no_litres() -> None:
    found = balance_of(Tank().drive(60).stand(20).drive(30).frame(), fleet(tank_capacity_l=None))
    assert found["unexplained_l"].null_count() == found.height
    assert found["unexplained_pct"].null_count() == 0
    assert found["burned_source"].unique().to_list() == ["consumption"]


def test_a_calibration_turns_levels_into_litres() -> None:
    curve = _curve((0, 0), (50, 100), (100, 400))
    found = balance_of(Tank(step_s=60).stand(30).fill(80, 1).stand(30).frame(), calibrations=curve)
    assert found["volume_before_l"][0] == pytest.approx(100)
    assert found["volume_after_l"][-1] == pytest.approx(100 + 20 * 6)


def test_two_tanks_are_one_volume() -> None:
    history = Tank(step_s=60, litres=200).drive(30).frame().with_columns(fuel_level_2_pct=pl.lit(25.0))
    found = balance_of(history, fleet(tank_2_capacity_l=200.0))
    assert found["volume_before_l"][0] == pytest.approx(250, abs=8)


def test_levels_of_one_tank_are_not_compared_with_those_of_two() -> None:
    """The sender of the second tank is silent for a day: no 50 litres are gone, and none come back."""
    first = Tank(step_s=60, litres=200).stand(60)
    silent = replace(first, now=START + DAY).stand(60)
    again = replace(silent, now=START + 2 * DAY).stand(60)
    is_silent = pl.col("recorded_at").dt.date() == (START + DAY).date()
    history = again.frame().with_columns(fuel_level_2_pct=pl.when(~is_silent).then(25.0))
    found = balance_of(history, fleet(tank_2_capacity_l=200.0))
    assert found.filter(pl.col("change_l").abs() > 1).is_empty()
    assert found.filter(pl.col("before_started_at").dt.date() != pl.col("ended_at").dt.date()).is_empty()


def test_a_second_tank_that_alone_is_told_is_a_share_of_its_own_capacity() -> None:
    history = Tank(step_s=60, litres=200).drive(60).frame()
    only = history.with_columns(fuel_level_2_pct="fuel_level_pct", fuel_level_pct=pl.lit(None, pl.Float64))
    found = balance_of(only, fleet(tank_2_capacity_l=200.0))
    assert found["level_before_pct"][0] == pytest.approx(50, abs=2)
    assert found["volume_before_l"][0] == pytest.approx(100, abs=4)
    assert found["litres_per_pct"].to_list() == pytest.approx([2.0] * found.height)


def test_a_sender_of_litres_without_a_known_tank_says_what_a_point_is() -> None:
    litres = Tank(step_s=60, litres=200).drive(60).frame()
    only = litres.with_columns(fuel_level_l=4 * pl.col("fuel_level_pct"), fuel_level_pct=pl.lit(None, pl.Float64))
    found = balance_of(only, fleet(tank_capacity_l=None))
    assert found["level_before_pct"].null_count() == found.height
    assert found["litres_per_pct"].to_list() == pytest.approx([2.0] * found.height, abs=0.1)


def test_way_and_idling_of_which_nothing_tells_are_no_zeros() -> None:
    silent = Tank(step_s=60).stand(60).fill(40, 1).stand(60).frame()
    told = silent.select("vehicle_id", "recorded_at", "source", "fuel_level_pct")
    found = balance_of(TELEMETRY.conform(told.lazy()).collect())
    assert found.height > 0
    assert found.select("driven_km", "idle_s").null_count().row(0) == (found.height, found.height)
    assert balance_of(silent)["driven_km"].null_count() == 0


def test_the_counter_is_believed_before_the_rate_and_that_before_the_past() -> None:
    tank = Tank(step_s=10).drive(60)
    km = pl.col("odometer_km") - 1000
    rated = tank.frame().with_columns(fuel_rate_lph=pl.lit(30.0))
    counted = rated.with_columns(fuel_used_total_l=5000 + 0.5 * km)
    for history, source, litres in (
        (counted, "counter", 5.0),
        (rated, "rate", 5.0),
        (tank.frame(), "consumption", 5.0),
    ):
        found = balance_of(history)
        assert set(found["burned_source"]) == {source}
        assert found["burned_l"][1] == pytest.approx(litres, rel=0.02)
    assert balance_of(counted)["burned_sd_l"][1] < balance_of(tank.frame())["burned_sd_l"][1]


def test_a_counter_that_jumps_is_not_believed() -> None:
    km = pl.col("odometer_km") - 1000
    history = Tank(step_s=10).drive(60).frame().with_columns(
        fuel_used_total_l=5000 + 0.5 * km + pl.when(km > 30).then(4_000.0).otherwise(0.0)
    )  # fmt: skip
    found = balance_of(history)
    assert found["burned_source"].to_list().count("consumption") == 1
    assert (found["burned_l"] < 10).all()


def test_consumption_is_learnt_from_days_before_and_never_from_later_ones() -> None:
    history = Tank(per_km=0.3, litres=390).works(3).drive(60).frame()
    found = balance_of(history).with_columns(pl.col("ended_at").dt.date().alias("day"))
    first, last = found["day"].min(), found["day"].max()
    per_km = pl.col("burned_expected_l").sum() / pl.col("driven_km").sum()
    assert found.filter(pl.col("day") == first).select(per_km).item() == pytest.approx(0.5, rel=0.05)
    assert found.filter(pl.col("day") == last).select(per_km).item() == pytest.approx(0.3, rel=0.1)


def test_a_plateau_that_is_not_believed_is_passed_over_and_counted() -> None:
    tank = Tank(step_s=60).stand(30).stand(30, fuel_level_pct=0.0).stand(30)
    found = balance_of(tank.frame())
    over = found.filter(pl.col("skipped_count") > 0)
    assert over.select("change_l", "skipped_quality", "skipped_level_pct").rows() == [(0.0, "fault", 0.0)]


def test_a_code_that_was_a_filler_on_an_earlier_day_is_one_again() -> None:
    tank = Tank(step_s=60).stand(30).stand(60, fuel_level_pct=76.8).stand(30).stand(60, fuel_level_pct=76.8).stand(30)
    again = replace(tank, now=tank.now + DAY).stand(30).stand(90, fuel_level_pct=76.8)
    later = replace(again, now=again.now + DAY).stand(30)
    found = balance_of(later.frame())
    assert found["level_after_pct"].max() == 50.0


def test_a_build_of_many_days_equals_the_builds_of_its_days() -> None:
    history = Tank().works(4).frame()
    plateaus = plateaus_of(history).lazy()
    window = window_of(history)
    whole = fuel_balance(plateaus, fleet().lazy(), NOBODY.lazy(), window).collect()
    days = [fuel_balance(plateaus, fleet().lazy(), NOBODY.lazy(), day).collect() for day in window.days(31 * DAY)]
    assert_frame_equal(whole, pl.concat(days).sort("vehicle_id", "ended_at"))


def _spans(*hours: tuple[float, float]) -> pl.DataFrame:
    rows = [("lorry", START + timedelta(hours=a), START + timedelta(hours=b)) for a, b in hours]
    instant = pl.Datetime("us", "UTC")
    schema = pl.Schema({"vehicle_id": pl.String(), "started_at": instant, "ended_at": instant})
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_what_a_drive_burned_is_told_by_levels_with_its_deviation() -> None:
    balance = balance_of(Tank(slosh_pct=0.5, per_km=0.3).stand(60).drive(120).stand(60).frame())
    found = burned_by_level(balance, _spans((1, 3)))
    assert found["burned_l"][0] == pytest.approx(36, abs=3)
    # Nothing is known of this sender yet: two levels with the noise that is assumed of any.
    assert 0 < found["burned_sd_l"][0] < 8


def test_a_refuel_within_a_span_is_no_consumption() -> None:
    tank = Tank(slosh_pct=0.5, per_km=0.3).stand(60).drive(60).stand(5).fill(150, 4).stand(5).drive(60).stand(60)
    found = burned_by_level(balance_of(tank.frame()), _spans((1, 3.3)))
    assert found["burned_l"][0] == pytest.approx(36, abs=8)


def test_short_drives_are_told_without_bias() -> None:
    """A rule that counts falls of two points and more would say nothing of half of them, and too much of the others."""
    tank, spans = Tank(slosh_pct=2.0, per_km=0.3, litres=380), []
    for _ in range(40):
        begin = tank.stand(30)
        tank = begin.drive(10)
        spans.append(((begin.now - START) / timedelta(hours=1), (tank.now - START) / timedelta(hours=1)))
    found = burned_by_level(balance_of(tank.stand(30).frame()), _spans(*spans))
    assert found["burned_l"].null_count() == 0
    assert found["burned_l"].sum() == pytest.approx(40 * 10 * 0.3, rel=0.1)


def test_a_span_without_levels_around_it_is_not_known() -> None:
    balance = balance_of(Tank().drive(60).frame())
    assert burned_by_level(balance, _spans((100, 101)))["burned_l"].to_list() == [None]
    assert burned_by_level(balance.clear(), _spans((0, 1)))["burned_l"].to_list() == [None]


def test_litres_of_a_sender_that_tells_them_need_no_tank() -> None:
    history = Tank().drive(60).frame().with_columns(
        fuel_level_l=pl.col("fuel_level_pct") * 4, fuel_level_pct=pl.lit(None, pl.Float64)
    )  # fmt: skip
    found = balance_of(TELEMETRY.conform(history.lazy()).collect(), fleet(tank_capacity_l=None))
    assert found["volume_before_l"][0] == pytest.approx(198, abs=4)
    assert found["level_before_pct"].null_count() == found.height
