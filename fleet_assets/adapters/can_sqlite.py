"""Legacy SQLite files with a table `can_messages`, read by columns and never written.

Belongs here: opening such a file, its columns and value forms. Does not belong here: landing (`collector.migration`).

    timestamp      Unix seconds, REAL (also as text)
    can_id         whole number, or hexadecimal text with or without 0x; bits 31 to 29 may be SocketCAN's flags
    node_id        who sent or logged it; `vehicle_refs` (source can-sqlite) says which vehicle that is
    dlc            bytes of data; without it as many as there are
    raw_data       BLOB, or hexadecimal text with or without spaces, colons, dashes, 0x
    is_extended    where the column is there (also extended, is_extended_id); else identifiers above 0x7FF are extended
    created_at     when it was stored: Unix seconds, or text in UTC as SQLite writes it
    message_type   `remote` and `error` say what a frame is; other words, and decoded_data, DBC files give anew
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleet_assets.contracts.errors import FileRejected

TABLE = "can_messages"
NEEDED = ("timestamp", "can_id", "raw_data")
EXTENDED_NAMES = ("is_extended", "extended", "is_extended_id")

RAW = pl.Schema(
    {
        "rowid": pl.Int64(), "seconds": pl.Float64(), "seconds_text": pl.String(), "id": pl.Int64(),
        "id_text": pl.String(), "data": pl.Binary(), "data_text": pl.String(), "node": pl.String(), "dlc": pl.Int64(),
        "extended": pl.Int64(), "kind": pl.String(), "stored_s": pl.Float64(), "stored_text": pl.String(),
    }
)  # fmt: skip
"""What is read of each row: a value of whatever type SQLite kept it in, in one column per type."""


@dataclass(frozen=True)
class CanSqlite:
    """One open file; `columns` of its table in lower case."""

    path: Path
    connection: sqlite3.Connection
    columns: frozenset[str]

    def count(self) -> int:
        """Rows of the table."""
        return int(self.connection.execute(f"select count(*) from {TABLE}").fetchone()[0])

    def nodes(self) -> list[str]:
        """The nodes that are named, as text, in order."""
        if "node_id" not in self.columns:
            return []
        found = self.connection.execute(
            f"select distinct cast(node_id as text) from {TABLE} where node_id is not null order by 1"
        )
        return [name for (name,) in found]

    def chunks(self, after: int, chunk_rows: int) -> Iterator[pl.DataFrame]:
        """Rows behind a rowid, in their order, so many at once; columns of RAW."""
        statement = f"select {self._selected()} from {TABLE} where rowid > ? order by rowid limit ?"
        while rows := self.connection.execute(statement, (after, chunk_rows)).fetchall():
            yield pl.DataFrame(rows, schema=RAW, orient="row")
            after = rows[-1][0]

    def originals(self, rowids: Sequence[int]) -> pl.DataFrame:
        """Whole rows as SQL literals, for people who look at what was set aside."""
        names = [row[1] for row in self.connection.execute(f"pragma table_info({TABLE})")]
        quoted = ", ".join(f"""quote("{name}")""" for name in names)
        rows = self._of_rows(f"rowid, {quoted}", rowids)
        return pl.DataFrame(rows, schema={"rowid": pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")

    def plain(self, rowids: Sequence[int]) -> pl.DataFrame:
        """Instant (µs), identifier and bytes (both hexadecimal) of rows as SQLite itself computes them: to compare."""
        instant = "cast(round(timestamp * 1000000.0) as integer)"
        number = f"case when typeof(can_id) = 'text' then {_digits('can_id')} else printf('%X', can_id) end"
        data = f"case when typeof(raw_data) = 'blob' then hex(raw_data) else coalesce({_digits('raw_data')}, '') end"
        rows = self._of_rows(f"rowid, {instant}, {number}, {data}", rowids)
        schema = {"rowid": pl.Int64, "us": pl.Int64, "id": pl.String, "data": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _of_rows(self, selected: str, rowids: Sequence[int]) -> list[tuple[object, ...]]:
        self.connection.execute("create temp table if not exists wanted (id integer primary key)")
        self.connection.execute("delete from temp.wanted")
        self.connection.executemany("insert into temp.wanted values (?)", [(rowid,) for rowid in rowids])
        return self.connection.execute(
            f"select {selected} from {TABLE} where rowid in (select id from temp.wanted) order by rowid"
        ).fetchall()

    def _selected(self) -> str:
        extended = next((name for name in EXTENDED_NAMES if name in self.columns), None)
        return ", ".join((
            "rowid", _as("timestamp", "real", "integer"), _text("timestamp"), _as("can_id", "integer"), _text("can_id"),
            "case when typeof(raw_data) = 'blob' then raw_data end", _text("raw_data"),
            self._or_null("node_id", "cast(node_id as text)"), self._or_null("dlc", "cast(dlc as integer)"),
            f"cast({extended} as integer)" if extended else "null",
            self._or_null("message_type", "lower(cast(message_type as text))"),
            self._or_null("created_at", _as("created_at", "real", "integer")),
            self._or_null("created_at", _text("created_at")),
        ))  # fmt: skip

    def _or_null(self, column: str, expression: str) -> str:
        return expression if column in self.columns else "null"


@contextmanager
def open_can_sqlite(path: Path) -> Iterator[CanSqlite]:
    """Open a file for reading only. Raises FileRejected when it is no such file, or another program still writes it."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise FileRejected(path, f"{log.name} beside it holds rows not yet in it: close the program that writes it")
    if not path.is_file():
        raise FileRejected(path, "there is no such file")
    # `immutable`: SQLite takes no lock and makes no file beside it; the source may lie on a read-only disk.
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.text_factory = _text_of
        try:
            columns = {str(row[1]).lower() for row in connection.execute(f"pragma table_info({TABLE})")}
            missing = [name for name in NEEDED if name not in columns]
            if missing:
                raise FileRejected(path, f"its table {TABLE} has no {', '.join(missing)}" if columns else _no_table())
            connection.execute(f"select rowid from {TABLE} limit 1").fetchone()
            yield CanSqlite(path, connection, frozenset(columns))
        except sqlite3.DatabaseError as error:
            raise FileRejected(path, f"SQLite cannot read it: {error}") from error


def _digits(column: str) -> str:
    """Hexadecimal digits of text, in capitals, without what may stand between them."""
    cleaned = f"upper({column})"
    for between in ("' '", "char(9)", "':'", "'-'", "'0X'"):
        cleaned = f"replace({cleaned}, {between}, '')"
    return cleaned


def _no_table() -> str:
    return f"it has no table {TABLE}"


def _text_of(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _as(column: str, *kinds: str) -> str:
    kept = ", ".join(f"'{kind}'" for kind in kinds)
    return f"case when typeof({column}) in ({kept}) then {column} end"


def _text(column: str) -> str:
    return f"case when typeof({column}) = 'text' then trim({column}) end"
