"""Reference rows: text as people write it in a CSV, turned into typed rows or into one sentence per wrong cell.

Belongs here: typing, ranges, allowed values, keys and spans of the reference tables.
Does not belong here: files and folders (`adapters.reference`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from fleet_assets.contracts import ENERGY_PRICES, TANK_CALIBRATIONS, TIMESTAMP, Column, Table
from fleet_assets.core.daily_windows import TIME_OF_DAY, by_segment
from fleet_assets.core.local_time import known_zones

LINE = "line_number"
CURRENCY = "^[A-Z]{3}$"
SPAN_OWNER = {"driver_assignments": ("vehicle_id",), "energy_prices": ("kind", "zone")}


@dataclass(frozen=True)
class ParsedReference:
    """Rows that satisfy the contract, and one sentence per problem (with the line of the file it is in)."""

    frame: pl.DataFrame
    problems: list[str]


def parse_reference(table: Table, text: pl.DataFrame) -> ParsedReference:
    """Type the all-text columns of a reference file whose first data row stands in line 2.

    Empty cells are null. Instants are ISO 8601; without an offset they are UTC. Unknown columns are a problem.
    """
    unknown = [_unknown_column(table, name) for name in text.columns if name not in table.schema]
    absent = [f"column {name} is missing" for name in table.required if name not in text.columns]
    if unknown or absent:
        return ParsedReference(table.empty(), unknown + absent)
    present = [column for column in table.columns if column.name in text.columns]
    stripped = text.select(pl.all().str.strip_chars().replace("", None)).with_row_index(LINE, offset=2)
    typed = table.conform(stripped.lazy().select(_typed(column) for column in present)).collect()
    problems = [problem for column in present for problem in _cell_problems(column, stripped, typed)]
    if not problems:
        problems = [*_duplicates(table, typed), *_price_problems(table, typed)]
    if not problems:
        problems = [*_overlaps(table, typed), *_bent_curves(table, typed)]
    return ParsedReference(typed if not problems else table.empty(), problems)


def _typed(column: Column) -> pl.Expr:
    cell = pl.col(column.name)
    if column.dtype == TIMESTAMP:
        return _instant(cell).alias(column.name)
    return cell.cast(column.dtype, strict=False)


def _instant(cell: pl.Expr) -> pl.Expr:
    tidy = cell.str.replace(r"Z$", "+00:00").str.replace(" ", "T", literal=True)
    day_only = tidy.str.contains(r"^\d{4}-\d\d-\d\d$")
    text = pl.when(day_only).then(tidy + "T00:00:00").otherwise(tidy)
    zoned = pl.when(text.str.contains(r"[+-]\d\d:\d\d$")).then(text).otherwise(text + "+00:00")
    return zoned.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)


def _unknown_column(table: Table, name: str) -> str:
    near = get_close_matches(name, table.schema, n=1)
    return f"column {name} is unknown" + (f" (did you mean {near[0]}?)" if near else "")


def _cell_problems(column: Column, text: pl.DataFrame, typed: pl.DataFrame) -> Iterator[str]:
    cells = pl.DataFrame({LINE: text[LINE], "text": text[column.name], "value": typed[column.name]})
    if column.required:
        yield from _say(cells.filter(pl.col("text").is_null()), f"{column.name} is empty")
    wrong_type = pl.col("text").is_not_null() & pl.col("value").is_null()
    yield from _say(cells.filter(wrong_type), f"{column.name} is not of type {column.kind}")
    if typed.schema[column.name].is_float():
        yield from _say(cells.filter(~pl.col("value").is_finite()), f"{column.name} is no finite number")
    if column.low is not None and column.high is not None:
        bounds = f"{column.low:g} to {column.high:g} {column.unit}".rstrip()
        yield from _say(
            cells.filter(~pl.col("value").is_between(column.low, column.high)), f"{column.name} is not within {bounds}"
        )
    elif column.low is not None:
        least = f"{column.low:g} {column.unit}".rstrip()
        yield from _say(cells.filter(pl.col("value") < column.low), f"{column.name} is less than {least}")
    if column.values:
        allowed = ", ".join(column.values)
        yield from _say(cells.filter(~pl.col("value").is_in(column.values)), f"{column.name} is not one of {allowed}")
    if column.name == "timezone":
        zones = sorted(known_zones())
        yield from _say(cells.filter(~pl.col("value").is_in(zones)), "timezone is not an IANA zone")
    if column.name == "currency":
        yield from _say(cells.filter(~pl.col("value").str.contains(CURRENCY)), "currency is no ISO 4217 code, as EUR")
    if column.name in ("daily_from", "daily_to"):
        yield from _say(cells.filter(~pl.col("value").str.contains(TIME_OF_DAY)), f"{column.name} is not HH:MM")


def _say(cells: pl.DataFrame, what: str) -> Iterator[str]:
    for line, text in cells.select(LINE, "text").iter_rows():
        yield f"line {line}: {what}" + (f" ({text!r})" if text is not None else "")


def _duplicates(table: Table, typed: pl.DataFrame) -> Iterator[str]:
    lines = typed.with_row_index(LINE, offset=2).group_by(table.key).agg(LINE).filter(pl.col(LINE).list.len() > 1)
    for found in lines.sort(pl.col(LINE).list.first())[LINE].to_list():
        yield f"lines {', '.join(map(str, found))}: the same {', '.join(table.key)}"


def _price_problems(table: Table, typed: pl.DataFrame) -> Iterator[str]:
    """Prices whose daily window has one end or no length, or that are per the unit of something else."""
    if table.name != ENERGY_PRICES.name:
        return
    rows = typed.with_row_index(LINE, offset=2)
    half = pl.col("daily_from").is_null() != pl.col("daily_to").is_null()
    wrong_unit = (pl.col("kind") == "electricity") != (pl.col("per") == "kwh")
    for broken, what in (
        (half, "daily_from and daily_to come together"),
        (pl.col("daily_from") == pl.col("daily_to"), "daily_from is daily_to; leave both empty for the whole day"),
        (wrong_unit, "electricity is sold per kwh, fuel per l"),
    ):
        for line in rows.filter(broken)[LINE]:
            yield f"line {line}: {what}"


def _overlaps(table: Table, typed: pl.DataFrame) -> Iterator[str]:
    owner = SPAN_OWNER.get(table.name)
    if owner is None:
        return
    spans = typed.with_row_index(LINE, offset=2)
    if "daily_from" in typed.columns:
        yield from _overlaps_of(by_segment(spans, owner), owner, ("segment",))
    else:
        yield from _overlaps_of(spans, owner)


def _overlaps_of(spans: pl.DataFrame, owner: tuple[str, ...], parts: tuple[str, ...] = ()) -> Iterator[str]:
    """Rows of one owner, and of one part of it, whose spans overlap or are none."""
    rows = spans.sort(*owner, *parts, "valid_from", nulls_last=False)
    following = pl.all().shift(-1).over([*owner, *parts]).name.suffix("_next")
    pairs = rows.with_columns(following).filter(
        pl.col("valid_to").is_null() & pl.col("valid_from_next").is_not_null()
        | (pl.col("valid_to") > pl.col("valid_from_next"))
    )
    for line, other in pairs.select(LINE, f"{LINE}_next").unique(maintain_order=True).iter_rows():
        yield f"lines {line} and {other}: spans of the same {', '.join(owner)} overlap"
    for (line,) in rows.filter(pl.col("valid_to") <= pl.col("valid_from")).select(LINE).unique().sort(LINE).iter_rows():
        yield f"line {line}: valid_to is not after valid_from"


_CURVE = ("vehicle_id", "tank", "valid_from")


def _bent_curves(table: Table, typed: pl.DataFrame) -> Iterator[str]:
    """Curves of tanks that are none: of one point, flat or falling, of two ends, or in force at the same time as
    another."""
    if table.name != TANK_CALIBRATIONS.name:
        return
    rows = typed.with_row_index(LINE, offset=2).sort(*_CURVE, "level_pct")
    curves = rows.group_by(_CURVE, maintain_order=True).agg(
        pl.col(LINE).min(), pl.len().alias("count"), pl.col("valid_to").first(),
        pl.col("valid_to").n_unique().alias("ends"), (pl.col("volume_l").diff() < 0).any().alias("falls"),
        (pl.col("volume_l").max() == pl.col("volume_l").min()).alias("is_flat"),
    )  # fmt: skip
    for vehicle, tank, line in curves.filter(pl.col("count") < 2).select("vehicle_id", "tank", LINE).iter_rows():
        yield f"line {line}: the curve of tank {tank} of {vehicle} has a single point"
    flat = curves.filter(pl.col("is_flat") & (pl.col("count") > 1))
    for vehicle, tank, line in flat.select("vehicle_id", "tank", LINE).iter_rows():
        yield f"line {line}: the curve of tank {tank} of {vehicle} holds the same at every level"
    for vehicle, tank, line in curves.filter("falls").select("vehicle_id", "tank", LINE).iter_rows():
        yield f"line {line}: the curve of tank {tank} of {vehicle} holds less at a higher level"
    for vehicle, tank, line in curves.filter(pl.col("ends") > 1).select("vehicle_id", "tank", LINE).iter_rows():
        yield f"line {line}: the curve of tank {tank} of {vehicle} has several valid_to"
    yield from _overlaps_of(curves, ("vehicle_id", "tank"))


def effective_bindings(bindings: pl.LazyFrame, vehicles: pl.LazyFrame) -> pl.LazyFrame:
    """Which DBC describes which bus: dbc_bindings, and vehicles.dbc for every bus they do not name (bus `*`)."""
    from_vehicles = vehicles.filter(pl.col("dbc").is_not_null()).select(
        "vehicle_id", pl.lit("*").alias("bus"), pl.col("dbc").str.replace(r"\.dbc$", "")
    )
    named = bindings.with_columns(pl.col("dbc").str.replace(r"\.dbc$", ""))
    return pl.concat([named, from_vehicles.join(named, on=["vehicle_id", "bus"], how="anti")])
