"""Telemetry files by their container: CSV (also gzipped) and Parquet, in chunks.

Belongs here: containers and lines that are not of the table. Does not belong here: cells.

A CSV is UTF-8 with a header line; the separator is the one of comma, semicolon and tab that its header has most of. A
last line without an end may have lost a part of its last cell: it is set aside.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from fleet_assets.adapters.log_files.unread import DAMAGED, TORN
from fleet_assets.adapters.quarantine import Reason
from fleet_assets.adapters.reading_budget import BUFFER_BYTES, damage_of, open_plain
from fleet_assets.adapters.reading_process import read_apart
from fleet_assets.adapters.telemetry_files.cells import TelemetryOptions, TypedRows, typed_rows
from fleet_assets.adapters.telemetry_files.columns import check_header
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.sources.column_map import ColumnMap

TELEMETRY_SUFFIXES = (".csv", ".parquet")

RAGGED = Reason("ragged-line", "the line has more or fewer cells than the header")

_BLOCK_BYTES = 16 << 20
_PARQUET = "fleet_assets.adapters.telemetry_files.reader:parquet_rows"


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
    except OSError as error:
        raise FileRejected(path, f"cannot be read ({error.strerror or 'the disk gave no reason'})") from error


def _parquet(path: Path, options: TelemetryOptions, chunk_rows: int) -> Iterator[TypedRows]:
    first = 0
    for raw in read_apart(_PARQUET, path, options.columns, chunk_rows, options.budget, lambda _: None):
        yield typed_rows(path, options.columns.applied(raw).with_row_index("row", first + 1), options)
        first += raw.height


def parquet_rows(path: Path, columns: ColumnMap, chunk_rows: int, _told: object) -> Iterator[pl.DataFrame]:
    """The rows of a Parquet file as they are; what the reading process runs."""
    with pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
        check_header(path, file.schema_arrow.names, columns)
        for batch in file.iter_batches(chunk_rows):
            raw = pl.from_arrow(batch)
            assert isinstance(raw, pl.DataFrame)
            yield raw


def _csv(path: Path, options: TelemetryOptions) -> Iterator[TypedRows]:
    with open_plain(path, options.budget) as stream:
        names, separator, place = _header(path, stream)
        check_header(path, names, options.columns)
        ragged: list[str] = []
        watched, rows = _Watched(path, stream, place), 0
        for raw, is_last in _with_last(_tables(path, watched, names, separator, ragged)):
            is_torn = is_last and watched.ends_within_a_line and not _is_last(ragged, watched)
            whole = raw.head(raw.height - is_torn)
            typed = typed_rows(path, options.columns.applied(whole).with_row_index("row", rows + 1), options)
            torn = [(TORN, _lines([_joined(raw, separator)]))] if is_torn else []
            rows += raw.height
            yield TypedRows(typed.rows, typed.rejected + torn + _ragged(ragged))
        aside = _ragged(ragged)
        if damage := damage_of(stream):
            aside.append((DAMAGED, pl.DataFrame({"place": [damage[0]], "line": [damage[1]]})))
        if aside:
            yield TypedRows(typed_rows(path, options.columns.applied(_no_rows(names)), options).rows, aside)


class _Watched(io.RawIOBase):
    """A stream of UTF-8 that remembers its end; what is none is refused, since lines of it would vanish in pyarrow."""

    def __init__(self, path: Path, stream: BinaryIO, place: int) -> None:
        self._path, self._stream, self._end = path, stream, b""
        self._decoder, self._place = codecs.getincrementaldecoder("utf-8")(), place

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        try:
            self._decoder.decode(content)
        except UnicodeDecodeError as error:
            place = self._place + error.start
            raise FileRejected(self._path, f"its text is not UTF-8 at byte {place}: save it as UTF-8") from None
        self._place += len(content)
        self._end = (self._end + content[-1024:])[-1024:]
        return content

    @property
    def ends_within_a_line(self) -> bool:
        # A closed quote is the end of a cell.
        return bool(self._end) and not self._end.endswith((b"\n", b"\r", b'"'))

    @property
    def last_line(self) -> str:
        """The text of the last line, or its end."""
        return self._end.rpartition(b"\n")[2].decode("utf-8", errors="replace")


def _tables(
    path: Path, stream: _Watched, names: list[str], separator: str, ragged: list[str]
) -> Iterator[pl.DataFrame]:
    """The cells as text, block by block; lines of another number of cells go to `ragged`."""

    def keep(line: pa.csv.InvalidRow) -> str:
        ragged.append(line.text)
        return "skip"

    rows = 0
    try:
        reader = pa.csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, column_names=names),
            pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=keep),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True),
        )
        for batch in reader:
            raw = pl.from_arrow(batch)
            assert isinstance(raw, pl.DataFrame)
            rows += raw.height
            yield raw
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        why = f"is no table: a quote that is not closed, or a line longer than {_BLOCK_BYTES >> 20} MB"
        raise FileRejected(path, f"its text behind row {rows:,} {why}") from error


def _with_last(tables: Iterator[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, bool]]:
    """Each table, and whether it is the last."""
    held: pl.DataFrame | None = None
    for table in tables:
        if held is not None:
            yield held, False
        held = table
    if held is not None:
        yield held, True


def _is_last(ragged: list[str], watched: _Watched) -> bool:
    """Whether the last line is one that has another number of cells, and is set aside as such."""
    return bool(ragged) and ragged[-1].endswith(watched.last_line)


def _joined(raw: pl.DataFrame, separator: str) -> str:
    return separator.join(cell or "" for cell in raw.row(-1)) if raw.height else ""


def _header(path: Path, stream: BinaryIO) -> tuple[list[str], str, int]:
    """The names of the columns, the separator, and the bytes that they took."""
    content = stream.readline(1 << 16)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileRejected(path, "its text is UTF-16: save it as UTF-8")
    try:
        line = content.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise FileRejected(path, f"its first line is not UTF-8 ({content[:40]!r}): save it as UTF-8") from None
    if not line:
        raise FileRejected(path, "is empty: a CSV file begins with the names of its columns")
    separator = max(",;\t", key=line.count)
    return [name.strip().strip('"') for name in line.split(separator)], separator, len(content)


def _ragged(lines: list[str]) -> list[tuple[Reason, pl.DataFrame]]:
    """The lines so far, which are then forgotten here."""
    taken, lines[:] = list(lines), []
    return [(RAGGED, _lines(taken))] if taken else []


def _lines(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"line": texts}, schema={"line": pl.String})


def _no_rows(names: list[str]) -> pl.DataFrame:
    schema: dict[str, Any] = {**dict.fromkeys(names, pl.String()), "row": pl.UInt32()}
    return pl.DataFrame(schema=schema)
