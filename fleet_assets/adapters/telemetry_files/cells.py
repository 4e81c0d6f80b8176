"""Cells of a telemetry file to typed rows; rows that cannot be read are set aside with the reason.

Belongs here: numbers, truth values and lists as people write them, and what is wrong with a row. Does not belong here:
instants (instants), whether a value is plausible (`core.cleaning`), files.

With an offset (`Z`, `+02:00`) an instant says all; without one the zone of the options decides. A local time that the
clock showed twice (autumn) or never (spring) names no instant: its row is set aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import polars as pl

from fleet_assets.adapters.log_files import AnswerMissing
from fleet_assets.adapters.log_files.options import Unit
from fleet_assets.adapters.quarantine import Reason
from fleet_assets.adapters.reading_budget import USUAL_BUDGET, ReadingBudget
from fleet_assets.adapters.telemetry_files.instants import Instants
from fleet_assets.contracts import TELEMETRY
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.sources.column_map import AS_THEY_ARE, ColumnMap
from fleet_assets.sources.telemetry_files import TELEMETRY_FILES

_YES, _NO = ("true", "t", "yes", "y", "on", "1", "1.0"), ("false", "f", "no", "n", "off", "0", "0.0")

NO_TIME = Reason("no-time", "recorded_at is empty, or no instant such as 2026-03-10T10:00:00Z (ISO 8601)")
NO_INSTANT = Reason("no-instant", "the local time occurs twice or not at all in its zone (clock change)")
NO_VEHICLE = Reason("no-vehicle", "no vehicle_id in the row and no --vehicle-id")
BAD_VALUE = Reason("bad-value", "a cell is not of the kind of its column; each row names the columns")
_WRONG = (NO_TIME, NO_INSTANT, NO_VEHICLE, BAD_VALUE)

TYPED_REASONS = tuple(reason.slug for reason in _WRONG)
"""Reasons for which `typed_rows` sets rows aside; answers or a newer version may mend them."""


@dataclass(frozen=True)
class TelemetryOptions:
    """What a file may leave open."""

    vehicle_id: str | None = None
    zone: tzinfo | None = None
    """Zone of times without an offset."""
    unix_unit: Unit = ""
    """What bare numbers count since 1970."""
    budget: ReadingBudget = USUAL_BUDGET
    """What reading the file may cost."""
    columns: ColumnMap = AS_THEY_ARE
    """Which columns of the file are which of the contract, where it has names of its own."""


@dataclass(frozen=True)
class TypedRows:
    """Rows with the columns of TELEMETRY and `row` (1: the first below the header), and rows set aside as they are."""

    rows: pl.DataFrame
    rejected: list[tuple[Reason, pl.DataFrame]]


def typed_rows(path: Path, raw: pl.DataFrame, options: TelemetryOptions) -> TypedRows:
    """Type one chunk; `raw` holds the file's columns, as text or typed, and `row`.

    Raises AnswerMissing when times have no offset and the options no zone, or are bare numbers and the options say no
    unit; FileRejected when a column is of a kind that can never hold what it is for.
    """
    names = [name for name in raw.columns if name != "row"]
    cells = raw.with_columns(_blank_is_null(raw, name) for name in names)
    times = {
        name: Instants.of(cells.get_column(name), options.zone, options.unix_unit)
        for name in names if TELEMETRY.column(name).kind == "ts"
    }  # fmt: skip
    for name, instants in times.items():
        _refuse_unanswered(path, name, cells.get_column(name), instants, options)
    typed = cells.select("row", *(_typed(path, cells, name, times).alias(name) for name in names))
    unreadable = _unreadable(cells, typed)
    typed = typed.with_columns(_identity(names, options))
    verdict = _verdict(typed, times["recorded_at"], unreadable)
    kept = typed.filter(verdict == "")
    rows = TELEMETRY.conform(kept.lazy().drop("row")).collect().with_columns(kept.get_column("row"))
    return TypedRows(rows, _set_aside(raw.with_columns(reason=unreadable), verdict))


def _blank_is_null(raw: pl.DataFrame, name: str) -> pl.Expr:
    if raw.schema[name] != pl.String:
        return pl.col(name)
    stripped = pl.col(name).str.strip_chars()
    return pl.when(stripped != "").then(stripped).alias(name)


def _refuse_unanswered(path: Path, name: str, cells: pl.Series, instants: Instants, options: TelemetryOptions) -> None:
    if options.zone is None and instants.is_local.any():
        shown = cells.filter(instants.is_local)[0]
        raise AnswerMissing(
            path, f"{name} holds times without an offset; give --timezone, e.g. Europe/Madrid (the first is {shown})"
        )
    # A number among instants is a wrong cell; numbers alone are another way to write time.
    if not options.unix_unit and instants.is_number.any() and instants.is_number.sum() == cells.count():
        shown = cells.filter(instants.is_number)[0]
        raise AnswerMissing(
            path,
            f"{name} holds bare numbers; say what they count: --unix-time s, ms or us (the first is {shown})",
        )


def _typed(path: Path, cells: pl.DataFrame, name: str, times: dict[str, Instants]) -> pl.Series:
    if name in times:
        return times[name].utc
    column, dtype, kind = pl.col(name), cells.schema[name], TELEMETRY.column(name).kind
    converters = {"f64": _number, "i64": _whole, "bool": _truth, "list[str]": _texts}
    value = converters[kind](column, dtype) if kind in converters else column.cast(pl.String)
    try:
        return cells.select(value).to_series()
    except pl.exceptions.PolarsError as error:
        raise FileRejected(path, f"column {name} holds {dtype}, which cannot be what its name says") from error


def _number(column: pl.Expr, _dtype: pl.DataType) -> pl.Expr:
    number = column.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _whole(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    number = _number(column, dtype)
    return pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)


def _truth(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return column
    text = column.cast(pl.String).str.to_lowercase()
    return pl.when(text.is_in(_YES)).then(True).when(text.is_in(_NO)).then(False)


def _texts(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String))
    return column.cast(pl.String).str.replace_all("[;,]", " ").str.extract_all(r"\S+")


def _identity(names: list[str], options: TelemetryOptions) -> list[pl.Expr]:
    """The vehicle and the source of rows that name none."""
    vehicle, source = pl.lit(options.vehicle_id, dtype=pl.String), pl.lit(TELEMETRY_FILES.name)
    return [
        (pl.coalesce("vehicle_id", vehicle) if "vehicle_id" in names else vehicle).alias("vehicle_id"),
        (pl.coalesce("source", source) if "source" in names else source).alias("source"),
    ]


def _unreadable(cells: pl.DataFrame, typed: pl.DataFrame) -> pl.Series:
    """For each row the names of the columns that hold something which became nothing, or an empty text."""
    names = [name for name in typed.columns if name not in ("row", "recorded_at")]
    # NaN stands for a missing number in many files; it is not a wrong one.
    present = [cells.get_column(name).is_not_null() & ~_is_nan(cells.get_column(name)) for name in names]
    lost = [there & typed.get_column(name).is_null() for name, there in zip(names, present, strict=True)]
    marks = [pl.select(pl.when(mask).then(pl.lit(name))).to_series() for name, mask in zip(names, lost, strict=True)]
    if not marks:
        return pl.repeat("", cells.height, dtype=pl.String, eager=True)
    joined = pl.DataFrame([mark.alias(str(index)) for index, mark in enumerate(marks)])
    return joined.select(pl.concat_str(pl.all(), separator=", ", ignore_nulls=True)).to_series()


def _is_nan(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column.str.to_lowercase() == "nan"
    if column.dtype.is_float():
        return column.is_nan()
    return pl.repeat(False, len(column), eager=True)


def _verdict(typed: pl.DataFrame, times: Instants, unreadable: pl.Series) -> pl.Series:
    """For each row the slug of what is wrong with it, or an empty text."""
    no_time = typed.get_column("recorded_at").is_null()
    return pl.select(
        pl.when(no_time & times.is_local)
        .then(pl.lit(NO_INSTANT.slug))
        .when(no_time)
        .then(pl.lit(NO_TIME.slug))
        .when(typed.get_column("vehicle_id").is_null())
        .then(pl.lit(NO_VEHICLE.slug))
        .when(unreadable != "")
        .then(pl.lit(BAD_VALUE.slug))
        .otherwise(pl.lit(""))
    ).to_series()


def _set_aside(raw: pl.DataFrame, verdict: pl.Series) -> list[tuple[Reason, pl.DataFrame]]:
    groups = [(reason, raw.filter(verdict == reason.slug)) for reason in _WRONG]
    return [(reason, rows) for reason, rows in groups if rows.height]
