"""The sink's own checkpoint: which numbered frames have landed, kept beside the landing zone in a small database.

Belongs here: intervals of numbers, and which numbers are missing between them. Does not belong here: why (collector/
losses), files of rows.

It is written after the rows are durable and before Redis is told. So it decides what is new, whatever Redis thinks: a
consumer group that was lost, or a server that was restored from an older copy, hands out entries again, and those that
stand here are passed over. A process killed between the files and this note lands the same frames once more; they have
the same entry_id, and raw tables keep one of each.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import polars as pl

from fleet_assets.adapters.durable_file import make_folder
from fleet_assets.adapters.stream_notices import Ended, Numbers

LANDED, EXPLAINED = "landed", "explained"
"""Kinds of intervals: frames that are in the landing zone; numbers whose absence stands in the gap ledger."""

_INTERVAL = {"producer": pl.String, "first": pl.Int64, "stop": pl.Int64}
_BUSY_SECONDS = 60.0
_SCHEMA = """
create table if not exists covered (
    producer text not null, kind text not null, first integer not null, stop integer not null,
    vehicle text, bus text, first_us integer, last_us integer, primary key (producer, kind, first)
) without rowid;
create table if not exists ended (
    producer text primary key, stop integer not null, last_us integer
) without rowid;
create table if not exists barriers (
    producer text, first integer, stop integer, server text, entry text, primary key (producer, first, stop)
) without rowid;
create table if not exists made (at_us integer not null);
"""
_HOLES = """
with reach as (
    select *, max(stop) over before as reached, last_value(last_us) over before as before_us
    from covered
    window before as (partition by producer order by first rows between unbounded preceding and 1 preceding)
), holes as (
    select producer, coalesce(reached, 0) as first, first as stop, vehicle, bus, before_us, first_us as after_us,
        0 as is_tail
    from reach where first > coalesce(reached, 0)
    union all
    select ended.producer, coalesce(max(covered.stop), 0), ended.stop, max(vehicle), max(bus),
        max(covered.last_us), ended.last_us, 1
    from ended left join covered using (producer)
    group by ended.producer, ended.stop, ended.last_us having ended.stop > coalesce(max(covered.stop), 0)
)
select * from holes order by producer, first
"""


@dataclass(frozen=True)
class Hole:
    """Numbers that are neither landed nor explained; the instants are those of the frames around them, where known."""

    numbers: Numbers
    vehicle: str | None
    bus: str | None
    before_us: int | None
    after_us: int | None
    is_tail: bool
    """Nothing follows: the numbering ended, and its end never came."""


class SinkProgress:
    """The checkpoint in one file; several workers may share it."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        with _full_disk():
            self._connection.executescript(_SCHEMA)
            # Nothing is written where all is there: a worker must be able to start on a full disk.
            if self._made_us() is None:
                with self.exclusively():
                    now_us = time.time_ns() // 1_000
                    self._connection.execute(
                        "insert into made select ? where not exists (select * from made)", [now_us]
                    )
        self.made_us = self._made_us() or 0

    def _made_us(self) -> int | None:
        row = self._connection.execute("select at_us from made").fetchone()
        return int(row[0]) if row else None

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """One step, durable at its end or undone; other workers wait. Raises OSError (ENOSPC) on a full disk."""
        with _full_disk():
            self._connection.execute("begin immediate")
            try:
                yield
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    def landed(self, producers: Sequence[str]) -> pl.DataFrame:
        """The intervals that landed of some producers, disjoint and in order: producer, first, stop."""
        marks = ", ".join("?" * len(producers))
        rows = self._connection.execute(
            f"select producer, first, stop from covered where kind = ? and producer in ({marks}) order by first",
            [LANDED, *producers],
        ).fetchall()
        return pl.DataFrame(rows, schema=_INTERVAL, orient="row")

    def add(self, runs: pl.DataFrame, kind: str) -> None:
        """Note runs of numbers (columns of entry_numbers.runs). To be called within `exclusively`."""
        for run in runs.iter_rows(named=True):
            self._add(run, kind)

    def end(self, ended: Ended) -> None:
        """Note that a numbering goes no further. To be called within `exclusively`."""
        self._connection.execute(
            "insert or replace into ended values (?, ?, ?)", [ended.producer, ended.stop, ended.last_us]
        )

    def holes(self) -> list[Hole]:
        """All numbers that are missing, by producer."""
        rows = self._connection.execute(_HOLES).fetchall()
        return [
            Hole(Numbers(producer, first, stop), vehicle, bus, before_us, after_us, bool(is_tail))
            for producer, first, stop, vehicle, bus, before_us, after_us, is_tail in rows
        ]

    def barrier(self, hole: Hole) -> tuple[str, str] | None:
        """Server and entry that were noted when this hole was first seen."""
        row = self._connection.execute(
            "select server, entry from barriers where producer = ? and first = ? and stop = ?", _key(hole)
        ).fetchone()
        return (row[0], row[1]) if row else None

    def set_barrier(self, hole: Hole, server: str, entry: str) -> None:
        """Note server and newest entry at the sight of a hole. To be called within `exclusively`."""
        self._connection.execute("insert or replace into barriers values (?, ?, ?, ?, ?)", [*_key(hole), server, entry])

    def close(self) -> None:
        self._connection.close()

    def _add(self, run: dict[str, Any], kind: str) -> None:
        """One run; those that it touches become one with it."""
        touching = "producer = ? and kind = ? and first <= ? and stop >= ?"
        key = [run["producer"], kind, run["stop"], run["first"]]
        found = self._connection.execute(
            f"select first, stop, first_us, last_us from covered where {touching}", key
        ).fetchall()
        spans = [*found, (run["first"], run["stop"], run["first_us"], run["last_us"])]
        first, last = min(spans, key=itemgetter(0)), max(spans, key=itemgetter(1))
        self._connection.execute(f"delete from covered where {touching}", key)
        row = [run["producer"], kind, first[0], last[1], run["vehicle"], run["bus"], first[2], last[3]]
        self._connection.execute("insert into covered values (?, ?, ?, ?, ?, ?, ?, ?)", row)


def _key(hole: Hole) -> list[str | int]:
    return [hole.numbers.producer, hole.numbers.first, hole.numbers.stop]


@contextmanager
def _full_disk() -> Iterator[None]:
    """A full disk is said as for any other file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, "No space left on device for the sink's checkpoint") from error
        raise
