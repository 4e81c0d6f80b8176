"""`fleet query`: the rows of one SELECT as a table on the terminal, CSV, JSON or Parquet.

Belongs here: which form the rows get, and how values are written for programs. Does not belong here: what may be asked
and of what (`adapters.warehouse`), and how a terminal shows rows (`frame_grid`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.privacy import as_the_person_set
from fleet_assets.adapters.query_cache import QueryCache
from fleet_assets.collector.console import Console, escaped
from fleet_assets.commands.frame_grid import chosen, frame_lines
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.contracts.errors import UsageError
from fleet_assets.contracts.headlines import ranks
from fleet_assets.core.us_units import in_us_units
from fleet_assets.installation import Installation
from fleet_assets.wording import counted

SHOWN_ROWS = 200
"""Rows of a table on the terminal; a file or another format gets all of them."""

NULL = "-"

INSTANT = "%Y-%m-%dT%H:%M:%S%.fZ"
"""ISO 8601, the fraction only where there is one."""

DECIMALS = 3
"""Of numbers in a table: a metre, a gram, a watt-hour."""

DEGREE_DECIMALS = 6
"""Of degrees: a decimetre."""
SIGNIFICANT = 6
"""Digits that count of numbers below 1."""


@dataclass(frozen=True)
class Look:
    """What of the rows is written: the columns named, all of them also where they do not fit a terminal."""

    columns: str = ""
    wide: bool = False


def run_query(
    installation: Installation, sql: str, output_format: str, output: Path | None, show_stats: bool = False,
    look: Look | None = None,
) -> None:  # fmt: skip
    """Write the rows of one SELECT to standard output or, in one step, to a file; raises UsageError.

    With `show_stats` a sentence on standard error says what the query cache did.
    """
    look = look or Look()
    output_format = output_format or _format_of(output)
    if output_format not in FORMATS:
        raise UsageError(f"--format {output_format} is not one of {', '.join(FORMATS)}")
    if output is None and output_format == "parquet" and sys.stdout.isatty():
        raise UsageError("parquet is not for a terminal: name a file with --output, or use a pipe")
    began = time.perf_counter()
    rows = installation.query_cache.query(sql) if show_stats else installation.rows_once(sql)
    is_table = output_format == "table"
    named = rows.columns
    if is_table and output is None and installation.settings.units == "us":
        rows = in_us_units(rows)
    place = dict(zip(rows.columns, ranks(named).values(), strict=True))
    rows = chosen(rows, look.columns)
    aside = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if show_stats:
        aside.print(_cache_sentence(installation.query_cache, time.perf_counter() - began))
    if output:
        with as_the_person_set():
            replace_file(output, FORMATS[output_format](rows))
        aside.print(f"{output}: {counted(rows.height, 'row')}")
        return
    is_cut = is_table and rows.height > SHOWN_ROWS
    shown = rows.head(SHOWN_ROWS) if is_cut else rows
    # On a terminal somebody looks at it; a file or program gets the values as they are.
    if sys.stdout.isatty() and output_format != "parquet":
        sys.stdout.buffer.write(_on_terminal(shown, output_format, look.wide, place))
    else:
        sys.stdout.buffer.write(FORMATS[output_format](shown))
    sys.stdout.buffer.flush()
    if is_cut:
        aside.print(f"{SHOWN_ROWS} of {rows.height} rows; all of them with --format csv")


def _on_terminal(rows: pl.DataFrame, output_format: str, wide: bool, place: Mapping[str, int]) -> bytes:
    """What somebody sees, every control character made visible."""
    if output_format != "table":
        return escaped(FORMATS[output_format](rows).decode()).encode()
    return "".join(f"{line}\n" for line in frame_lines(rows, Console().width, wide=wide, place=place)).encode()


def _format_of(output: Path | None) -> str:
    """The format that a file's name asks for; a table where it asks for none."""
    asked = output.suffix.removeprefix(".").lower() if output else ""
    return asked if asked in FORMATS else "table"


def _cache_sentence(cache: QueryCache, took_s: float) -> str:
    """What became of the one query of this process, and of all in Redis."""
    counts = cache.statistics()
    if counts.passed:
        how = "computed, not kept: it may depend on more than what builds publish"
    elif counts.not_kept:
        how = "computed, not kept: its tables were just written"
    else:
        how = "from Redis" if counts.shared_hits else "computed"
    totals = cache.shared_totals()
    words = ("hits", "misses", "waits", "stored", "evicted")
    shared = ", ".join(f"{totals.get(word, 0):,} {word}" for word in words)
    kept = f"Redis: {shared}, {totals.get('bytes', 0) / 1e6:,.1f} MB" if totals else "no Redis runs: nothing is shared"
    return f"{how} in {took_s * 1e3:,.1f} ms; {kept}"


def _as_table(rows: pl.DataFrame) -> bytes:
    """For a pipe or a file: whole lines, columns aligned, numbers to the right."""
    shown = rows.select(_shown(name, dtype).fill_null(NULL) for name, dtype in rows.schema.items())
    kinds = (Kind.number if dtype.is_numeric() else Kind.lines for dtype in rows.dtypes)
    grid = Grid(*(Heading(name, kind) for name, kind in zip(rows.columns, kinds, strict=True)))
    for row in shown.iter_rows():
        grid.add(*row)
    return "".join(f"{line}\n" for line in grid.lines()).encode()


def _shown(name: str, dtype: pl.DataType) -> pl.Expr:
    if not (dtype.is_float() or dtype.is_decimal()):
        return _text(name, dtype).cast(pl.String)
    number = pl.col(name).cast(pl.Float64)
    rounded = number.round(DEGREE_DECIMALS if name.endswith("_deg") else DECIMALS)
    return pl.when(number.abs() < 1).then(number.round_sig_figs(SIGNIFICANT)).otherwise(rounded).cast(pl.String)


def _as_csv(rows: pl.DataFrame) -> bytes:
    return rows.select(_text(name, dtype) for name, dtype in rows.schema.items()).write_csv().encode()


def _as_json(rows: pl.DataFrame) -> bytes:
    plain = rows.select(
        pl.col(name) if dtype.is_nested() else _text(name, dtype) for name, dtype in rows.schema.items()
    )
    return f"{plain.write_json()}\n".encode()


def _as_parquet(rows: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    """What CSV and JSON can hold: instants as ISO 8601, bytes as hex, lists and structs as JSON."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string(INSTANT if dtype.time_zone else INSTANT.removesuffix("Z"))
    if isinstance(dtype, pl.Duration):
        return column.dt.to_string("iso")
    if isinstance(dtype, pl.Binary):
        return column.bin.encode("hex")
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if dtype.is_nested():
        wrapped = pl.struct(column.alias("_")).struct.json_encode().str.strip_prefix('{"_":').str.strip_suffix("}")
        return pl.when(column.is_not_null()).then(wrapped).alias(name)
    return column


FORMATS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "table": _as_table,
    "csv": _as_csv,
    "json": _as_json,
    "parquet": _as_parquet,
}
