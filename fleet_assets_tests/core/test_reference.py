"""Reference rows become typed rows, or one sentence per wrong line."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from fleet_assets.contracts import DRIVER_ASSIGNMENTS, ENERGY_PRICES, TANK_CALIBRATIONS, VEHICLES, Table
from fleet_assets.core.reference import effective_bindings, parse_reference


def problems(table: Table, **columns: list[str | None]) -> list[str]:
    return parse_reference(table, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))).problems


def test_good_rows_are_typed_and_absent_columns_are_null() -> None:
    text = pl.DataFrame({"vehicle_id": [" van-1 "], "tank_capacity_l": ["80"], "name": [""]})
    parsed = parse_reference(VEHICLES, text)
    row = parsed.frame.row(0, named=True)
    assert parsed.problems == []
    assert (row["vehicle_id"], row["tank_capacity_l"], row["name"], row["vin"]) == ("van-1", 80.0, None, None)


def test_each_wrong_cell_is_named_with_its_line() -> None:
    found = problems(
        VEHICLES,
        vehicle_id=["a", None, "c"],
        powertrain=["ice", "bev", "steam"],
        tank_capacity_l=["eighty", "0", None],
        timezone=["Europe/Madrid", "Mars/Olympus", None],
    )
    assert found == [
        "line 3: vehicle_id is empty",
        "line 4: powertrain is not one of ice, hev, phev, bev ('steam')",
        "line 2: tank_capacity_l is not of type f64 ('eighty')",
        "line 3: tank_capacity_l is not within 1 to 5000 l ('0')",
        "line 3: timezone is not an IANA zone ('Mars/Olympus')",
    ]


def test_a_misspelt_column_is_refused_with_the_nearest_name() -> None:
    assert problems(VEHICLES, vehicle_id=["a"], tank_capacity=["80"]) == [
        "column tank_capacity is unknown (did you mean tank_capacity_l?)"
    ]


def test_a_missing_key_column_is_refused() -> None:
    assert problems(VEHICLES, name=["Van"]) == ["column vehicle_id is missing"]


def test_repeated_keys_are_refused_with_their_lines() -> None:
    assert problems(VEHICLES, vehicle_id=["a", "b", "a"]) == ["lines 2, 4: the same vehicle_id"]


def test_instants_are_utc_unless_they_state_an_offset() -> None:
    text = pl.DataFrame(
        {
            "driver_id": ["d"] * 4,
            "vehicle_id": ["a", "b", "c", "d"],
            "valid_from": ["2026-03-01", "2026-03-01 08:00:00", "2026-03-01T08:00:00+02:00", "2026-03-01T08:00:00.5Z"],
        }
    )
    assert parse_reference(DRIVER_ASSIGNMENTS, text).frame["valid_from"].to_list() == [
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 1, 8, tzinfo=UTC),
        datetime(2026, 3, 1, 6, tzinfo=UTC),
        datetime(2026, 3, 1, 8, 0, 0, 500_000, tzinfo=UTC),
    ]


def test_two_drivers_of_one_vehicle_at_one_time_are_refused() -> None:
    assert problems(
        DRIVER_ASSIGNMENTS,
        driver_id=["d1", "d2"],
        vehicle_id=["a", "a"],
        valid_from=["2026-03-01", "2026-03-05"],
        valid_to=["2026-03-06", None],
    ) == ["lines 2 and 3: spans of the same vehicle_id overlap"]


def test_a_span_that_ends_where_the_next_begins_is_no_overlap() -> None:
    assert (
        problems(
            DRIVER_ASSIGNMENTS,
            driver_id=["d1", "d2"],
            vehicle_id=["a", "a"],
            valid_from=["2026-03-01", "2026-03-05"],
            valid_to=["2026-03-05", None],
        )
        == []
    )


def test_a_binding_of_a_bus_comes_before_the_dbc_of_the_vehicle() -> None:
    bindings = pl.LazyFrame({"vehicle_id": ["a", "a"], "bus": ["can0", "*"], "dbc": ["truck.dbc", "gps"]})
    vehicles = pl.LazyFrame({"vehicle_id": ["a", "b", "c"], "dbc": ["old.dbc", "car.dbc", None]})
    assert effective_bindings(bindings, vehicles).sort("vehicle_id", "bus").collect().rows() == [
        ("a", "*", "gps"),
        ("a", "can0", "truck"),
        ("b", "*", "car"),
    ]


def prices(**columns: list[str | None]) -> list[str]:
    count = len(columns["daily_from"])
    same: dict[str, list[str | None]] = {
        "kind": ["electricity"] * count, "price": ["0.3"] * count, "valid_from": ["2026-01-01"] * count,
    }  # fmt: skip
    return problems(ENERGY_PRICES, **(same | columns))


def test_prices_of_windows_that_fill_the_day_do_not_overlap() -> None:
    assert prices(daily_from=["06:00", "22:00"], daily_to=["22:00", "06:00"]) == []
    assert prices(
        daily_from=["06:00", "06:00"], daily_to=["22:00", "22:00"],
        valid_from=["2026-01-01", "2026-02-01"], valid_to=["2026-02-01", None],
    ) == []  # fmt: skip


def test_prices_of_one_span_whose_windows_meet_are_refused() -> None:
    meets = "spans of the same kind, zone overlap"
    assert prices(daily_from=["06:00", "21:00"], daily_to=["22:00", "07:00"]) == [f"lines 2 and 3: {meets}"]
    assert prices(daily_from=[None, "21:00"], daily_to=[None, "07:00"]) == [f"lines 2 and 3: {meets}"]
    assert prices(daily_from=["06:00", "21:00"], daily_to=["22:00", "07:00"], zone=["depot", None]) == []


def test_a_daily_window_has_two_different_ends_of_one_form() -> None:
    assert prices(daily_from=["6:00", "24:00", "22:61"], daily_to=["07:00", "08:00", "23:00"]) == [
        "line 2: daily_from is not HH:MM ('6:00')",
        "line 3: daily_from is not HH:MM ('24:00')",
        "line 4: daily_from is not HH:MM ('22:61')",
    ]
    assert prices(daily_from=["06:00", None], daily_to=["06:00", "07:00"]) == [
        "line 3: daily_from and daily_to come together",
        "line 2: daily_from is daily_to; leave both empty for the whole day",
    ]


def test_a_price_is_per_the_unit_of_what_is_sold() -> None:
    found = prices(kind=["electricity", "diesel", "petrol"], per=["l", "kwh", "l"], daily_from=[None] * 3)
    assert found == [
        "line 2: electricity is sold per kwh, fuel per l",
        "line 3: electricity is sold per kwh, fuel per l",
    ]


def _curve(levels: list[str], litres: list[str], **spans: list[str | None]) -> list[str]:
    count = len(levels)
    columns: dict[str, list[str | None]] = {
        "vehicle_id": ["van-1"] * count, "tank": ["1"] * count, "level_pct": [*levels], "volume_l": [*litres], **spans,
    }  # fmt: skip
    return problems(TANK_CALIBRATIONS, **columns)


@pytest.mark.parametrize(("price", "currency", "said"), [
    ("-1.5", "EUR", "price is less than 0 ('-1.5')"), ("NaN", "EUR", "price is no finite number ('NaN')"),
    ("inf", "EUR", "price is no finite number ('inf')"),
    ("1.5", "Euro", "currency is no ISO 4217 code, as EUR ('Euro')"),
])  # fmt: skip
def test_a_price_that_is_none_is_refused_with_its_line(price: str, currency: str, said: str) -> None:
    row = {"kind": "diesel", "price": price, "currency": currency, "per": "l", "valid_from": "2026-01-01"}
    assert parse_reference(ENERGY_PRICES, pl.DataFrame([row])).problems == [f"line 2: {said}"]


def test_a_curve_of_a_tank_rises() -> None:
    assert _curve(["0", "50", "100"], ["0", "31.5", "80"]) == []
    assert _curve(["0", "50", "100"], ["0", "90", "80"]) == [
        "line 2: the curve of tank 1 of van-1 holds less at a higher level"
    ]


def test_a_curve_that_is_flat_throughout_is_refused() -> None:
    assert _curve(["0", "100"], ["80", "80"]) == ["line 2: the curve of tank 1 of van-1 holds the same at every level"]


def test_a_curve_of_a_single_point_is_refused() -> None:
    assert _curve(["50"], ["31.5"]) == ["line 2: the curve of tank 1 of van-1 has a single point"]


def test_curves_of_one_tank_at_one_time_are_refused() -> None:
    first, second = "2026-01-01", "2026-03-01"
    levels, litres = ["0", "100", "0", "100"], ["0", "80", "0", "85"]
    begin: list[str | None] = [first, first, second, second]
    assert _curve(levels, litres, valid_from=begin, valid_to=[second, second, None, None]) == []
    assert _curve(levels, litres, valid_from=begin, valid_to=[None] * 4) == [
        "lines 2 and 4: spans of the same vehicle_id, tank overlap"
    ]
    assert _curve(["0", "100"], ["0", "80"], valid_to=[second, None]) == [
        "line 2: the curve of tank 1 of van-1 has several valid_to"
    ]
