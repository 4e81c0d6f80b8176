"""A fleet has the trips and standing periods of its vehicles one by one, whatever each of them tells."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.core.standing import StandingRules, standing_periods
from fleet_assets_tests.core.histories import NOON, Vehicle, fleet, telemetry, trips_of, vehicle, whole

POWERTRAINS: dict[str, object] = {"a": "phev", "b": "ice", "c": None}
MOTION = ("speed_kmh", "gps_speed_kmh", "odometer_km", "latitude_deg", "longitude_deg")
OTHERS = (
    "engine_speed_rpm", "is_ignition_on", "hv_power_kw", "hv_voltage_v", "hv_current_a", "soc_pct", "fuel_rate_lph",
    "fuel_used_total_l", "fuel_level_pct", "altitude_m", "ambient_temp_c", "is_charger_connected",
)  # fmt: skip


@st.composite
def _driven(draw: st.DrawFn, name: str) -> pl.DataFrame:
    """A vehicle that tells some columns always, some in a single row, and the rest never."""
    said = vehicle(*MOTION, at=NOON + timedelta(seconds=draw(st.sampled_from([0, 7, 3000]))), name=name)
    episodes = st.tuples(st.sampled_from([120, 400, 900]), st.sampled_from([0.0, 0.0, 20.0, 60.0]), st.booleans())
    for seconds, kmh, is_on in draw(st.lists(episodes, min_size=2, max_size=8)):
        said = said.drive(seconds, kmh, **_state(said, is_on)).silent(draw(st.sampled_from([0, 100, 400])))
    always = draw(st.sets(st.sampled_from(MOTION), min_size=1)) | draw(st.sets(st.sampled_from(OTHERS)))
    once = draw(st.dictionaries(st.sampled_from(MOTION + OTHERS), st.integers(0, len(said.rows) - 1), max_size=4))
    row = pl.int_range(pl.len())
    kept = [
        pl.when(row == once.get(column, -1)).then(column).alias(column)
        for column in MOTION + OTHERS
        if column not in always
    ]
    source = st.sampled_from([pl.lit("test"), pl.when(row % 3 == 0).then(pl.lit("can")).otherwise(pl.lit("test"))])
    return said.frame().with_columns(kept).with_columns(source=draw(source))


def _state(said: Vehicle, is_on: bool) -> dict[str, object]:
    return {
        "engine_speed_rpm": 1500.0 if is_on else 0.0, "is_ignition_on": is_on, "hv_power_kw": -8.0 if is_on else 12.0,
        "hv_voltage_v": 400.0, "hv_current_a": 25.0, "soc_pct": 60.0 - len(said.rows) / 20,
        "fuel_rate_lph": 6.0 * is_on, "fuel_used_total_l": said.km / 10, "fuel_level_pct": 90.0 - len(said.rows) / 10,
        "altitude_m": 100 + said.km, "ambient_temp_c": 12.0, "is_charger_connected": not is_on,
    }  # fmt: skip


_FLEETS = st.tuples(*(_driven(name) for name in POWERTRAINS))


@pytest.mark.slow
@given(_FLEETS)
@settings(max_examples=60)
def test_a_fleet_has_the_trips_of_its_vehicles_one_by_one(histories: tuple[pl.DataFrame, ...]) -> None:
    together = pl.concat(histories)
    known = fleet(*({"vehicle_id": name, "powertrain": kind} for name, kind in POWERTRAINS.items()))
    found = [trips_of(part, window=whole(together), vehicles=known) for part in histories]
    assert_frame_equal(trips_of(together, vehicles=known), pl.concat(found))


@given(_FLEETS)
@settings(max_examples=60)
def test_a_fleet_has_the_standing_periods_of_its_vehicles_one_by_one(histories: tuple[pl.DataFrame, ...]) -> None:
    apart, together = ([_periods(part) for part in parts] for parts in (histories, [pl.concat(histories)]))
    assert_frame_equal(pl.concat(together), pl.concat(apart))


def _periods(history: pl.DataFrame) -> pl.DataFrame:
    return standing_periods(history.lazy(), StandingRules()).collect()


def test_a_vehicle_with_the_receivers_speed_keeps_its_trip_beside_one_with_positions() -> None:
    speaks = vehicle("gps_speed_kmh").drive(360).stand(600).frame()
    shows = vehicle("latitude_deg", "longitude_deg", name="b").drive(360).stand(600).frame()
    alone = trips_of(speaks)
    assert alone["distance_km"].to_list() == [pytest.approx(60 * 350 / 3600)]
    assert_frame_equal(trips_of(pl.concat([speaks, shows])).filter(pl.col("vehicle_id") == "a"), alone)


def test_a_single_fix_or_speed_takes_no_trip_away() -> None:
    speaks = vehicle("gps_speed_kmh").drive(360).stand(600).frame()
    at = {"vehicle_id": "a", "recorded_at": NOON + timedelta(seconds=5)}
    fix = telemetry({**at, "latitude_deg": 50.0, "longitude_deg": 10.0})
    speed = telemetry({**at, "speed_kmh": 60.0})
    for one in (fix, speed):
        (trip,) = trips_of(pl.concat([speaks, one])).rows(named=True)
        assert trip["distance_source"] == "gps"
        assert trip["distance_km"] == pytest.approx(60 * 350 / 3600, abs=0.6)


def test_the_engines_share_is_weighed_by_what_the_vehicle_itself_tells() -> None:
    driven = vehicle("gps_speed_kmh").drive(600, 90.0, engine_speed_rpm=0.0).drive(600, 30.0, engine_speed_rpm=1500.0)
    hybrid = driven.stand(600).frame()
    other = vehicle("speed_kmh", name="b").drive(600).stand(600).frame()
    known = fleet({"vehicle_id": "a", "powertrain": "phev"})
    (trip, _) = trips_of(pl.concat([hybrid, other]), vehicles=known).rows(named=True)
    assert trip["engine_km"] == pytest.approx(5, abs=0.2)
    assert trip["electric_km"] == pytest.approx(15, abs=0.2)
