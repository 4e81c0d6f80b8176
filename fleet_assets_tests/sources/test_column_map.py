"""Names of other people's columns: what they may mean is said, and only what was stated is done."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import TELEMETRY
from fleet_assets.contracts.errors import UsageError
from fleet_assets.sources.column_map import (
    MEANT_BY,
    ColumnMap,
    column_map,
    column_map_of,
    likely,
    stated_pairs,
    suggested,
)


@pytest.mark.parametrize(
    ("name", "column", "unit"),
    [
        ("time", "recorded_at", ""), ("Device Time", "recorded_at", ""), ("vehicle", "vehicle_id", ""),
        ("lat", "latitude_deg", ""), ("Longitude", "longitude_deg", ""), ("speed", "speed_kmh", ""),
        ("Speed (mph)", "speed_kmh", "mph"), ("speed_mph", "speed_kmh", "mph"), ("Speed [km/h]", "speed_kmh", ""),
        ("odometer_mi", "odometer_km", "mi"), ("coolant_temp_f", "coolant_temp_c", "f"),
        ("rpm", "engine_speed_rpm", ""),
        ("usable_battery_level", "soc_pct", ""), ("recordedat", "recorded_at", ""),
        ("fuel_level", "fuel_level_pct", ""),
        ("GPS Speed (m/s)", "gps_speed_kmh", "m/s"),
    ],
)  # fmt: skip
def test_a_name_leads_to_the_column_and_the_unit_that_it_states(name: str, column: str, unit: str) -> None:
    found = likely(name)
    assert found is not None
    assert (found.column, found.unit, found.is_of_other_kind) == (column, unit, False)


def test_a_name_of_nothing_known_leads_nowhere_and_a_distance_is_no_speed() -> None:
    assert likely("xyz") is None
    found = likely("speed_km")
    assert found is not None
    assert found.is_of_other_kind


def test_words_are_of_the_contract_and_each_stands_for_one_column() -> None:
    assert set(MEANT_BY.values()) <= set(TELEMETRY.schema)


def test_a_header_gets_one_mapping_with_no_column_twice() -> None:
    found = suggested(["time", "vehicle", "lat", "lon", "speed", "speed_mph", "xyz", "odometer (mi)"])
    assert found.as_options() == (
        "--map time=recorded_at --map vehicle=vehicle_id --map lat=latitude_deg --map lon=longitude_deg "
        '--map speed=speed_kmh --map "odometer (mi)=odometer_km" --units "odometer (mi)=mi"'
    )
    assert not suggested(["recorded_at", "speed_kmh", "velocity"])


def test_cells_are_renamed_left_out_and_converted_and_what_is_no_number_stays() -> None:
    stated = column_map({"v": "speed_kmh", "note": "-", "odo": "odometer_km"}, {"v": "mph", "odometer_km": "mi"})
    raw = pl.DataFrame({"v": ["10", "fast", None], "note": ["a", "b", "c"], "odo": [1.0, 2.0, None]})
    assert_frame_equal(
        stated.applied(raw),
        pl.DataFrame({"speed_kmh": ["16.09344", "fast", None], "odometer_km": [1.609344, 3.218688, None]}),
    )


@pytest.mark.parametrize("cell", [" 10", "10 ", "\t10"])
def test_blanks_around_a_number_keep_it_from_no_unit(cell: str) -> None:
    stated = column_map({}, {"speed_kmh": "mph"})
    assert stated.applied(pl.DataFrame({"speed_kmh": [cell]}))["speed_kmh"].to_list() == ["16.09344"]


def test_the_unit_of_a_column_that_is_left_out_does_not_matter() -> None:
    assert column_map({"a": "-"}, {"a": "mph"}) == ColumnMap((("a", "-"),))


def test_a_mapping_comes_back_from_its_file_as_it_was() -> None:
    stated = column_map({"Ort: Länge": "longitude_deg", "note": "-", "v": "speed_kmh"}, {"v": "mph"})
    assert column_map_of(stated.as_text(), "a.yaml") == stated
    assert column_map_of("", "a.yaml") == ColumnMap()


@pytest.mark.parametrize(
    ("columns", "units", "sentence"),
    [
        ({"a": "speed"}, {}, "the contract has no column speed; did you mean speed_kmh"),
        ({"a": "speed_kmh", "b": "speed_kmh"}, {}, "two columns cannot both be speed_kmh"),
        ({"a": "speed_kmh"}, {"a": "kg"}, "what speed_kmh holds cannot be converted to km/h"),
        ({"a": "vehicle_id"}, {"a": "mph"}, "is of no use: it has no unit"),
        ({}, {"a": "mph"}, "say which column a is, with --map a=COLUMN"),
        ({"a": "speed_kmh"}, {"a": "mph", "speed_kmh": "kn"}, "speed_kmh is given two units, under two names"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(columns: dict[str, str], units: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        column_map(columns, units)


@pytest.mark.parametrize("text", ["[1, 2]", "columns: 7", "names: {a: b}", "a: [", "columns: {a: nope}"])
def test_a_file_that_holds_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        column_map_of(text, "a.yaml")


def test_pairs_are_split_at_the_last_sign_and_anything_else_is_refused() -> None:
    assert stated_pairs("--map", ["a=b=speed_kmh"]) == {"a=b": "speed_kmh"}
    with pytest.raises(UsageError, match="--units 'mph' is not NAME=VALUE, such as --units speed=mph"):
        stated_pairs("--units", ["mph"])
