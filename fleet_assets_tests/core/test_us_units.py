"""US units are shown for every metric unit of the contracts that has one, and names say which."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import TABLES
from fleet_assets.core.us_units import in_us_units


def test_quantities_are_converted_and_renamed_and_the_others_stay() -> None:
    rows = pl.DataFrame({
        "vehicle_id": ["van-1"], "distance_km": [160.9344], "max_speed_kmh": [80.4672], "fuel_used_l": [37.85411784],
        "ambient_temp_c": [20.0], "altitude_m": [304.8], "oil_pressure_kpa": [689.4757293168361],
        "fuel_rate_lph": [3.785411784], "co2_kg": [45.359237], "fuel_l_per_100km": [23.5214583],
        "kwh_per_100km": [10.0], "soc_pct": [55.0], "energy_used_kwh": [7.0], "duration_s": [60.0],
    })  # fmt: skip
    expected = pl.DataFrame({
        "vehicle_id": ["van-1"], "distance_mi": [100.0], "max_speed_mph": [50.0], "fuel_used_gal": [10.0],
        "ambient_temp_f": [68.0], "altitude_ft": [1000.0], "oil_pressure_psi": [100.0],
        "fuel_rate_gph": [1.0], "co2_lb": [100.0], "fuel_mpg": [10.0],
        "kwh_per_100mi": [16.09344], "soc_pct": [55.0], "energy_used_kwh": [7.0], "duration_s": [60.0],
    })  # fmt: skip
    assert_frame_equal(in_us_units(rows), expected)


def test_missing_stays_missing_and_driving_without_fuel_has_no_mileage() -> None:
    rows = pl.DataFrame({"fuel_l_per_100km": [None, 0.0], "distance_km": [None, 0.0]})
    expected = pl.DataFrame(
        {"fuel_mpg": [None, None], "distance_mi": [None, 0.0]}, schema_overrides={"fuel_mpg": pl.Float64}
    )
    assert_frame_equal(in_us_units(rows), expected)


def test_a_name_that_only_ends_like_a_unit_and_holds_text_stays() -> None:
    rows = pl.DataFrame({"zone_c": ["depot"], "km": [1.0]})
    assert_frame_equal(in_us_units(rows), rows)


@pytest.mark.parametrize("unit", ["km", "km/h", "m", "l", "l/h", "degC", "kPa", "kg"])
def test_no_contract_column_of_a_metric_unit_is_left_metric(unit: str) -> None:
    columns = [column.name for table in TABLES.values() for column in table.columns if column.unit == unit]
    shown = in_us_units(pl.DataFrame({name: [1.0] for name in set(columns)})).columns
    assert columns
    assert not set(columns) & set(shown)
