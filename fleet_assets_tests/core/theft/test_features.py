"""Features of a candidate: what each says of small histories of a tank, and what none may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import INGEST_OUTAGES, ZONES
from fleet_assets.contracts.theft import FEATURES
from fleet_assets.core.window import Window
from fleet_assets_tests.core.fuel.tanks import DAY, KM_PER_DEGREE, START, Tank, balance_of, fleet, window_of
from fleet_assets_tests.core.theft.cases import candidates_in, candidates_of

BEFORE = Tank().works(3).drive(60).stand(240)
STOLEN = BEFORE.fill(-40, 10).stand(240).drive(60).stand(60)


def _only(telemetry: pl.DataFrame, **asked: pl.DataFrame) -> dict[str, Any]:
    found = candidates_of(telemetry, **asked)
    assert found.height == 1, found.select("kind", "started_at", "volume_l")
    return found.row(0, named=True)


def test_size_noise_course_and_level_of_a_fall() -> None:
    one = _only(STOLEN.frame())
    assert (one["volume_l"], one["share_pct"]) == (pytest.approx(40, abs=2), pytest.approx(10, abs=0.5))
    assert one["level_before_pct"] == pytest.approx(BEFORE.litres / 4, abs=1)
    assert one["duration_s"] == pytest.approx(610, abs=20)
    assert one["rate_lph"] == pytest.approx(3600 * one["volume_l"] / one["duration_s"])
    parts = [one[name] for name in ("levels_sd_pct", "burned_sd_pct", "drift_sd_pct")]
    assert one["size_over_noise"] == pytest.approx(one["share_pct"] / sum(part**2 for part in parts) ** 0.5)
    assert (one["compared"], one["gap_s"], one["remaining_share"]) == (2, 10, pytest.approx(1, abs=0.4))


def test_driving_before_and_after_a_fall_and_the_engine() -> None:
    one = _only(Tank().works(3).drive(60).stand(30).fill(-40, 10).stand(30, ignition=True).drive(60).stand(60).frame())
    assert (one["is_moving_before"], one["is_moving_after"], one["driven_km"]) == (False, False, 0)
    assert one["driven_before_km"] == pytest.approx(60, abs=15)
    assert 10 < one["driven_after_km"] < 61


def test_a_fall_across_a_silence_says_how_long_nobody_saw_it() -> None:
    one = _only(Tank().works(2).drive(60).silent(600, litres=-60).drive(60).frame())
    assert (one["compared"], one["is_moving_before"], one["is_moving_after"]) == (3, True, True)
    assert one["gap_s"] == pytest.approx(36_000, abs=1_300)


def test_the_clock_is_that_of_the_vehicle() -> None:
    assert BEFORE.now - START == timedelta(days=3, hours=5)
    utc, paris = (_only(STOLEN.frame(), vehicles=fleet(timezone=zone)) for zone in ("UTC", "Europe/Paris"))
    assert (utc["local_hour"], utc["local_weekday"]) == (11, 4)
    assert paris["local_hour"] == 13
    late = replace(BEFORE, now=BEFORE.now + timedelta(hours=12)).stand(30).fill(-40, 10).stand(240).drive(60).stand(60)
    one = _only(late.frame(), vehicles=fleet(timezone="Europe/Paris"))
    assert (one["local_hour"], one["local_weekday"]) == (1, 5)


@pytest.mark.parametrize(
    ("kind", "told"), [("depot", (True, False)), ("fuel_station", (False, True)), (None, (False, False))]
)
def test_a_place_is_told_by_the_kind_of_its_zone(kind: str | None, told: tuple[bool, bool]) -> None:
    zone = {
        "zone_id": "yard", "kind": kind, "latitude_deg": BEFORE.km / KM_PER_DEGREE - 45.0, "longitude_deg": 10.0,
        "radius_m": 500.0,
    }  # fmt: skip
    zones = ZONES.conform(pl.DataFrame([zone], schema={name: ZONES.schema[name] for name in zone}).lazy()).collect()
    one = _only(STOLEN.frame(), zones=zones)
    assert (one["is_at_depot"], one["is_at_station"], one["is_at_known_place"]) == (*told, True)
    nowhere = _only(STOLEN.frame())
    assert (nowhere["is_at_depot"], nowhere["is_at_known_place"], nowhere["zone_id"]) == (False, False, None)


def test_a_counter_that_burned_more_than_usual_is_told_and_none_is_null() -> None:
    assert (_only(STOLEN.frame())["has_counter"], _only(STOLEN.frame())["counter_less_expected_l"]) == (False, None)
    rows = STOLEN.frame()
    began = BEFORE.now - timedelta(minutes=120)
    counted = pl.col("odometer_km") * 0.5 + pl.when(pl.col("recorded_at") >= began).then(5.0).otherwise(0.0)
    one = _only(rows.with_columns(counted.alias("fuel_used_total_l")))
    assert (one["has_counter"], one["counter_less_expected_l"]) == (True, pytest.approx(0, abs=0.5))


def test_faults_falls_and_noise_of_the_days_before_count_and_later_ones_do_not() -> None:
    calm = Tank(slosh_pct=0.5, litres=390, per_km=0.2).works(6)
    stolen = calm.drive(60).stand(60).fill(-60, 5).stand(120).drive(60)
    faulty = (
        Tank(slosh_pct=0.5, litres=390).works(3).drive(30).stand(60, fuel_level_pct=0.0).stand(60).drive(30).works(2)
    )
    after = faulty.drive(60).stand(60).fill(-60, 5).stand(120).drive(60)
    clean, spoiled = (candidates_of(one.frame()).row(-1, named=True) for one in (stolen, after))
    assert (clean["fault_count"], spoiled["fault_count"]) == (0, 1)
    later = stolen.works(1).drive(30).stand(60, fuel_level_pct=0.0).stand(60).drive(30)
    assert candidates_of(later.frame()).row(0, named=True) == clean
    second = stolen.works(2).drive(60).stand(60).fill(-60, 5).stand(120).drive(60)
    first, again = candidates_of(second.frame()).iter_rows(named=True)
    assert first == clean
    assert (first["falls_per_stay"], again["falls_per_stay"] > 0) == (0, True)


def test_noise_of_a_sender_is_that_of_its_own_days() -> None:
    quiet, loud = (
        candidates_of(
            Tank(slosh_pct=slosh, litres=390).works(6).drive(60).stand(60).fill(-80, 5).stand(120).drive(60).frame()
        )
        for slosh in (0.3, 4.0)
    )
    assert loud["noise_pct"][-1] > 2 * quiet["noise_pct"][-1]


def test_vehicles_of_a_source_that_fall_together_are_told_and_other_sources_are_not() -> None:
    stolen = [Tank(vehicle_id=name, seed=k).works(2).drive(60).stand(240).fill(-40, 10).stand(240).drive(60).frame()
              for k, name in enumerate(("a", "b", "c"))]  # fmt: skip
    elsewhere = Tank(vehicle_id="d", source="other").works(2).drive(60).stand(500).drive(60).frame()
    quiet = Tank(vehicle_id="e").works(2).drive(60).stand(500).drive(60).frame()
    known = pl.concat([fleet(vehicle_id=name) for name in "abcde"])
    both = candidates_of(pl.concat([*stolen, elsewhere, quiet]), known)
    assert both["simultaneous_share"].to_list() == pytest.approx([2 / 3] * 3)
    alone = candidates_of(pl.concat([stolen[0], elsewhere]), known)
    assert alone["simultaneous_share"].to_list() == [None]


def test_an_outage_of_the_source_is_told() -> None:
    telemetry = Tank().works(2).drive(60).silent(600, litres=-60).drive(60).frame()
    fell = candidates_of(telemetry)
    row = {
        "source": "can", "started_at": fell["started_at"][0], "ended_at": fell["ended_at"][0], "outage_s": 36_000.0,
        "regular_hours": 9, "vehicle_count": 1,
    }  # fmt: skip
    outages = pl.DataFrame([row], schema=INGEST_OUTAGES.schema)
    assert fell["is_in_outage"].to_list() == [False]
    assert candidates_of(telemetry, outages=outages)["is_in_outage"].to_list() == [True]


def test_days_that_come_later_change_no_feature() -> None:
    first, more = STOLEN.frame(), STOLEN.works(3).frame()
    window = window_of(first)
    found = candidates_in(balance_of(first), window)
    assert_frame_equal(candidates_in(balance_of(more), window), found)
    longer = Window(window.start, window.day_start, window.day_end + 3 * DAY)
    assert_frame_equal(candidates_in(balance_of(more), longer).head(1), found)
    assert set(found.columns) > {column.name for column in FEATURES}
