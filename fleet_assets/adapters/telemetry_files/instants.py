"""Instants in the cells of telemetry files: ISO 8601 as it is written, and Unix time where its unit was said.

Belongs here: cells to instants, and which of them are local times or bare numbers. Does not belong here: other cells.

    2026-03-10T10:00:00Z    2026-03-10 10:00:00+00    20260310T100000,5+0130    2026-03-10T10:00Z    2026-03-10 10:00

The extended and the basic format, also without seconds, with a comma, with a space for the T, with an offset of hours
alone; and 10-Mar-2026 10:00, with the English name of the month. Fractions are rounded to microseconds. A bare number
is an instant only by a unit that a person has said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

import polars as pl

from fleet_assets.adapters.log_files.options import Unit
from fleet_assets.contracts import TIMESTAMP

UNITS: dict[str, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Microseconds of each unit of Unix time."""

_STATED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
_LOCAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?$"
_ANY = (
    r"^(?:([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})([0-9]{2})([0-9]{2}))(?:[Tt]|[ ]+)"
    r"([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]{1,18}))?)?)?"
    r"[ ]*(Z|z|UTC|GMT|[+\-\x{2212}][0-9]{2}(?::?[0-9]{2})?)?$"
)
_NAMED_MONTH = r"^([0-9]{1,2})[- ]([A-Za-z]{3})[- ]([0-9]{4})[T ]+(.*)$"
MONTHS = {name: f"{number:02}" for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
)}  # fmt: skip
"""English names, as phones write them in files whatever their language."""

_NUMBER = r"^-?[0-9]+(?:[.,][0-9]+)?$"
_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first microsecond of the year 1 and the last of the year 9999."""


@dataclass(frozen=True)
class Instants:
    """Of each cell of a column: the instant in UTC or null, whether it is a time without an offset, a bare number."""

    utc: pl.Series
    is_local: pl.Series
    is_number: pl.Series

    @classmethod
    def of(cls, cells: pl.Series, zone: tzinfo | None, unit: Unit) -> Instants:
        """Read a column of text, numbers or timestamps; where there is no zone, local times are read as UTC."""
        found = cls._of_any(cells, zone, unit)
        us = found.utc.to_physical()
        # Beyond the years 1 to 9999 there is no day that could hold a row.
        possible = _where(us.is_between(_EARLIEST_US, _LATEST_US).fill_null(value=False), found.utc)
        return cls(possible, found.is_local, found.is_number)

    @classmethod
    def _of_any(cls, cells: pl.Series, zone: tzinfo | None, unit: Unit) -> Instants:
        if isinstance(cells.dtype, pl.Datetime):
            return cls._of_timestamps(cells, zone)
        if cells.dtype.is_numeric():
            return cls(_of_numbers(cells, unit), _never(cells), cells.is_not_null())
        if cells.dtype != pl.String:
            return cls(_nothing(cells), _never(cells), _never(cells))
        return cls._of_texts(cells, zone, unit)

    @classmethod
    def _of_timestamps(cls, cells: pl.Series, zone: tzinfo | None) -> Instants:
        kind = cells.dtype
        assert isinstance(kind, pl.Datetime)
        utc = _in_utc(cells.cast(pl.Datetime("us")), zone) if kind.time_zone is None else _converted(cells)
        return cls(utc, cells.is_not_null() if kind.time_zone is None else _never(cells), _never(cells))

    @classmethod
    def _of_texts(cls, cells: pl.Series, zone: tzinfo | None, unit: Unit) -> Instants:
        is_stated = cells.str.contains(_STATED).fill_null(value=False)
        is_local = cells.str.contains(_LOCAL).fill_null(value=False)
        stated = _where(is_stated, cells).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        plain = _where(is_local, cells).str.replace(" ", "T", literal=True)
        local = plain.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        is_local = is_local & local.is_not_null()
        is_other = ~is_stated & ~is_local & cells.is_not_null()
        utc = _first(stated, _in_utc(local, zone)).cast(TIMESTAMP)
        if not is_other.any():
            return cls(utc, is_local, _never(cells))
        others, installation = _of_others(cells.filter(is_other), zone, unit), is_other.arg_true()
        return cls(
            utc.scatter(installation, others.utc), is_local.scatter(installation, others.is_local),
            _never(cells).scatter(installation, others.is_number),
        )  # fmt: skip


def _of_others(cells: pl.Series, zone: tzinfo | None, unit: Unit) -> Instants:
    """Texts that are not written in the two usual ways."""
    cells = _months_as_numbers(cells)
    names = ("y", "mo", "d", "by", "bmo", "bd", "h", "mi", "s", "fraction", "offset")
    found = cells.to_frame("text").select(pl.col("text").str.extract_groups(_ANY).alias("_")).unnest("_")
    parts = found.rename({str(place): name for place, name in enumerate(names, 1)}).with_columns(
        y=pl.coalesce("y", "by"), mo=pl.coalesce("mo", "bmo"), d=pl.coalesce("d", "bd"),
        mi=pl.coalesce("mi", pl.lit("00")), s=pl.coalesce("s", pl.lit("00")),
    )  # fmt: skip
    nanoseconds = pl.col("fraction").str.pad_end(9, "0").str.head(9).cast(pl.Int64).fill_null(0)
    clock = parts.select(
        text=pl.format("{}-{}-{}T{}:{}:{}", "y", "mo", "d", "h", "mi", "s"),
        us=(nanoseconds + 500) // 1000, minutes=_offset_minutes(),
    )  # fmt: skip
    wall = clock.get_column("text").str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    exact = (wall.to_physical() + clock.get_column("us")).cast(pl.Datetime("us"))
    minutes = clock.get_column("minutes")
    stated = (exact.to_physical() - minutes * 60_000_000).cast(TIMESTAMP)
    is_number = cells.str.contains(_NUMBER) & exact.is_null()
    numbers = _of_numbers(_where(is_number, cells).str.replace(",", ".", literal=True), unit)
    is_local = exact.is_not_null() & parts.get_column("offset").is_null()
    local = _in_utc(_where(is_local, exact), zone)
    return Instants(_first(_first(stated, local), numbers), is_local, is_number)


def _months_as_numbers(cells: pl.Series) -> pl.Series:
    """2-Jan-2026 10:00 as 2026-01-02 10:00: a month that is named leaves no doubt which number is the day."""
    parts = (
        cells.to_frame("text").select("text", pl.col("text").str.extract_groups(_NAMED_MONTH).alias("_")).unnest("_")
    )
    month = pl.col("2").str.to_titlecase().replace_strict(MONTHS, default=None, return_dtype=pl.String)
    written = pl.format("{}-{}-{} {}", "3", month, pl.col("1").str.zfill(2), "4")
    return parts.select(pl.coalesce(written, "text")).to_series()


def _offset_minutes() -> pl.Expr:
    """Minutes east of Greenwich, null where the text has no offset or one that no clock has."""
    digits = pl.col("offset").str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    hours, rest = (digits.str.slice(first, 2).cast(pl.Int64, strict=False) for first in (0, 2))
    minutes = hours * 60 + rest
    is_possible = (rest < 60) & (minutes <= 18 * 60)
    signed = pl.when(pl.col("offset").str.starts_with("+")).then(minutes).otherwise(-minutes)
    is_utc = pl.col("offset").is_in(["Z", "z", "UTC", "GMT"])
    return pl.when(is_utc).then(pl.lit(0, dtype=pl.Int64)).when(is_possible).then(signed)


def _of_numbers(cells: pl.Series, unit: Unit) -> pl.Series:
    """Unix time in the unit, rounded to microseconds; nothing without one."""
    if not unit:
        return _nothing(cells)
    factor = UNITS[unit]
    whole, number = cells.cast(pl.Int64, strict=False), cells.cast(pl.Float64, strict=False)
    is_possible = (number.is_finite() & (number.abs() * factor <= _LATEST_US)).fill_null(value=False)
    # Whole numbers exactly; a fraction by floating point, exact to the microsecond for seconds of this century.
    exact = _where(is_possible & (whole.cast(pl.Float64) == number).fill_null(value=False), whole) * factor
    rounded = (_where(is_possible, number) * factor).round().cast(pl.Int64, strict=False)
    return _first(exact, rounded).cast(TIMESTAMP)


def _in_utc(local: pl.Series, zone: tzinfo | None) -> pl.Series:
    aware = local.dt.replace_time_zone(str(zone or "UTC"), ambiguous="null", non_existent="null")
    return aware.dt.convert_time_zone("UTC").cast(TIMESTAMP)


def _converted(cells: pl.Series) -> pl.Series:
    kind = cells.dtype
    assert isinstance(kind, pl.Datetime)
    return cells.cast(pl.Datetime("us", kind.time_zone)).dt.convert_time_zone("UTC").cast(TIMESTAMP)


def _where(is_kept: pl.Series, values: pl.Series) -> pl.Series:
    return pl.select(pl.when(is_kept).then(values)).to_series()


def _first(one: pl.Series, other: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(one, other)).to_series()


def _nothing(cells: pl.Series) -> pl.Series:
    return pl.repeat(None, len(cells), dtype=TIMESTAMP, eager=True)


def _never(cells: pl.Series) -> pl.Series:
    return pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True)
