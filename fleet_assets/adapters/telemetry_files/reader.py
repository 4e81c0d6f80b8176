"""Telemetry files by their container: CSV (also gzipped) and Parquet, in chunks.

Belongs here: containers and lines that are not of the table. Does not belong here: cells.

A CSV is UTF-8 with a header line; the separator is the one of comma, semicolon and tab that its header has most of.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from fleet_assets.adapters.quarantine import Reason
from fleet_assets.adapters.telemetry_files.cells import TelemetryOptions, TypedRows, typed_rows
from fleet_assets.adapters.telemetry_files.columns import check_header
from fleet_assets.contracts.errors import FileRejected

TELEMETRY_SUFFIXES = (".csv", ".parquet")

RAGGED = Reason("ragged-line", "the line has more or fewer cells than the header")

_BLOCK_BYTES = 16 << 20


def read_telemetry(path: Path, options: TelemetryOptions, chunk_rows: int) -> Iterator[TypedRows]:
    """The rows of a file in file order. Raises FileRejected when it is none, or its header is not of the contract."""
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet(path, options, chunk_rows)
        elif path.name.lower().removesuffix(".gz").endswith(".csv"):
            yield from _csv(path, options)
        else:
            raise FileRejected(
                path, f"is no telemetry file of a known kind (known are {', '.join(TELEMETRY_SUFFIXES)})"
            )
    except (pa.ArrowException, UnicodeDecodeError, EOFError) as error:
        raise FileRejected(path, f"is not a readable telemetry file ({str(error).splitlines()[0]})") from error
    except OSError as error:
        raise FileRejected(path, f"cannot be read ({error.strerror or error})") from error


def _parquet(path: Path, options: TelemetryOptions, chunk_rows: int) -> Iterator[TypedRows]:
    with pq.ParquetFile(path) as file:
        check_header(path, file.schema_arrow.names)
        first = 0
        for batch in file.iter_batches(chunk_rows):
            raw = pl.from_arrow(batch)
            assert isinstance(raw, pl.DataFrame)
            yield typed_rows(path, raw.with_row_index("row", first + 1), options)
            first += raw.height


def _csv(path: Path, options: TelemetryOptions) -> Iterator[TypedRows]:
    names, separator = _header(path)
    check_header(path, names)
    ragged: list[str] = []

    def keep(line: pa.csv.InvalidRow) -> str:
        ragged.append(line.text)
        return "skip"

    first = 0
    with pa.input_stream(path, compression="detect") as stream:
        reader = pa.csv.open_csv(
            stream,
            pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, column_names=names, skip_rows=1),
            pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=keep),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True),
        )
        for batch in reader:
            raw = pl.from_arrow(batch)
            assert isinstance(raw, pl.DataFrame)
            typed = typed_rows(path, raw.with_row_index("row", first + 1), options)
            first += raw.height
            yield TypedRows(typed.rows, typed.rejected + _ragged(ragged))
    if ragged:
        yield TypedRows(typed_rows(path, _no_rows(names), options).rows, _ragged(ragged))


def _header(path: Path) -> tuple[list[str], str]:
    with pa.input_stream(path, compression="detect") as stream:
        line = stream.read(1 << 16).partition(b"\n")[0].decode("utf-8-sig").strip("\r\n")
    if not line:
        raise FileRejected(path, "is empty: a CSV file begins with the names of its columns")
    separator = max(",;\t", key=line.count)
    return [name.strip().strip('"') for name in line.split(separator)], separator


def _ragged(lines: list[str]) -> list[tuple[Reason, pl.DataFrame]]:
    """The lines so far, which are then forgotten here."""
    taken, lines[:] = list(lines), []
    return [(RAGGED, pl.DataFrame({"line": taken}, schema={"line": pl.String}))] if taken else []


def _no_rows(names: list[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={**dict.fromkeys(names, pl.String()), "row": pl.UInt32()})
