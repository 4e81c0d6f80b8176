"""The strict check of a frame against its contract."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from fleet_assets.contracts import TABLES, Column, Table, check_frame
from fleet_assets.contracts.errors import ContractViolation

VISITS = Table(
    name="visits",
    row="One visit.",
    key=("vehicle_id", "at"),
    columns=(
        Column("vehicle_id", "str", "Vehicle.", required=True),
        Column("at", "ts", "When.", required=True),
        Column("level_pct", "f64", "Level.", "%"),
    ),
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def visits(**columns: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"vehicle_id": ["a"], "at": [NOON], "level_pct": [1.0]} | columns).cast(
        {"at": pl.Datetime("us", "UTC")}
    )


def test_every_declared_table_accepts_its_own_empty_frame() -> None:
    for table in TABLES.values():
        check_frame(table, table.empty())
        assert set(table.order) <= set(table.schema)
        assert set(table.key) <= set(table.schema)


def test_every_column_says_what_it_means() -> None:
    silent = [f"{t.name}.{c.name}" for t in TABLES.values() for c in t.columns if not c.doc]
    assert silent == []


def test_a_quantity_states_its_unit_in_name_and_contract() -> None:
    units = {"_km": "km", "_kmh": "km/h", "_pct": "%", "_s": "s", "_l": "l", "_kwh": "kWh", "_kw": "kW", "_c": "degC",
             "_deg": "deg", "_m": "m", "_rpm": "rpm", "_v": "V", "_a": "A", "_kpa": "kPa", "_h": "h",
             "_lph": "l/h", "_pct_h": "%/h"}  # fmt: skip
    wrong = [
        f"{table.name}.{column.name}: {column.unit}"
        for table in TABLES.values()
        for column in table.columns
        for ending, unit in units.items()
        if column.kind == "f64" and not column.name.startswith("max_")
        and ending == max(filter(column.name.endswith, units), key=len, default="")
        and "per" not in column.name and column.unit != unit
    ]  # fmt: skip
    assert wrong == []


def test_a_naive_time_is_refused_though_it_could_be_read_as_utc() -> None:
    naive = visits().with_columns(pl.col("at").dt.replace_time_zone(None))
    with pytest.raises(ContractViolation, match="column at is Datetime"):
        check_frame(VISITS, naive)


def test_a_null_in_a_required_column_is_named_with_its_count() -> None:
    with pytest.raises(ContractViolation, match="column vehicle_id holds 1 nulls"):
        check_frame(VISITS, visits(vehicle_id=[None]).cast({"vehicle_id": pl.String}))


def test_a_repeated_key_is_refused() -> None:
    with pytest.raises(ContractViolation, match=r"key \(vehicle_id, at\) repeats in 1 rows"):
        check_frame(VISITS, pl.concat([visits(), visits()]))


def test_columns_out_of_order_are_refused() -> None:
    with pytest.raises(ContractViolation, match="not in the declared order"):
        check_frame(VISITS, visits().select("at", "vehicle_id", "level_pct"))


def test_conform_adds_absent_optional_columns_as_null() -> None:
    partial = visits().drop("level_pct")
    assert VISITS.conform(partial.lazy()).collect().equals(visits(level_pct=[None]).cast({"level_pct": pl.Float64}))


def test_conform_refuses_unknown_and_mistyped_columns_in_one_sentence() -> None:
    wrong = visits(level_pct=["full"]).with_columns(colour=pl.lit("red"))
    with pytest.raises(
        ContractViolation, match=r"table visits: column level_pct is String.*; column colour is not part"
    ):
        VISITS.conform(wrong.lazy())
