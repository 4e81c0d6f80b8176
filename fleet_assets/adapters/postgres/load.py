"""Carrying the lake into the database: each partition whole in one transaction, with its hash, unless it is there.

Belongs here: comparing, loading, removing, beginning again after the server was away. Does not belong here: partitions
as tables (`partitions`), bytes (`binary_rows`), and when to load (defs).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain

import polars as pl
import psycopg
import structlog
from psycopg import errors, sql
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_exponential

from fleet_assets.adapters.lake import Lake, PartitionRecord
from fleet_assets.adapters.postgres import meta_tables, partitions
from fleet_assets.adapters.postgres.binary_rows import HEADER, TRAILER, encoded
from fleet_assets.adapters.postgres.connection import Server, Unreachable, sentence
from fleet_assets.adapters.postgres.names import LOAD_LOCK, PARTS, statement, table
from fleet_assets.adapters.postgres.ready import ensure_ready
from fleet_assets.adapters.postgres.schema import by_day
from fleet_assets.adapters.postgres.timescale import compress_old, hypertables
from fleet_assets.contracts import TABLES, Table
from fleet_assets.contracts.errors import DataError, ServiceError
from fleet_assets.core.prefetch import prefetched

AWAY_S = 180
"""s for which a server that was there and went away is waited for; a restart with recovery takes a minute."""

NEW_SHARE = 0.1
"""Of a table's rows: autovacuum looks at a table again when as much has changed."""

log = structlog.get_logger()


@dataclass(frozen=True)
class TableLoad:
    """What became of one table: partitions loaded, kept as they were, and removed; rows loaded; s it took."""

    table: str
    loaded: int
    unchanged: int
    removed: int
    rows: int
    seconds: float


def _note_retry(state: RetryCallState) -> None:
    log.warning(
        "warehouse_unreachable", attempt=state.attempt_number, reason=str(state.outcome and state.outcome.exception())
    )


patient = retry(
    retry=retry_if_exception_type(Unreachable), stop=stop_after_delay(AWAY_S), wait=wait_exponential(0.2, 5),
    before_sleep=_note_retry, reraise=True,
)  # fmt: skip
"""A server that goes away costs another try."""


@dataclass(frozen=True)
class Loader:
    """The way from one lake to one database; tables called `left_out` are not carried, and removed if they were."""

    server: Server
    lake: Lake
    left_out: frozenset[str] = frozenset()

    @property
    def tables(self) -> list[Table]:
        """The tables that are carried."""
        return [table for table in TABLES.values() if table.name not in self.left_out]

    def load(self, names: Collection[str] | None = None) -> Iterator[TableLoad]:
        """Bring the named tables (all by default) to what the lake has; yields after each table.

        Killed at any moment it leaves whole partitions, and the next call does the rest. Raises ServiceError.
        """
        ensure_ready(self.server, self.lake.identity())
        for contract in TABLES.values():
            if names is None or contract.name in names:
                yield self._load_table(contract)

    def stale(self, names: Collection[str] | None = None) -> dict[str, list[date | None]]:
        """The partitions of each table that differ from the lake's; empty when the database is as the lake is."""
        with self.server.transaction() as connection:
            if not partitions.exists(connection, "loaded", "fleet_meta"):
                there: dict[str, dict[date | None, str]] = {}
            else:
                there = {contract.name: meta_tables.loaded(connection, contract.name) for contract in TABLES.values()}
        found = {}
        for contract in TABLES.values():
            if names is None or contract.name in names:
                stored, known = self._stored(contract), there.get(contract.name, {})
                found[contract.name] = _differing(stored, known)
        return {name: days for name, days in found.items() if days}

    def _load_table(self, contract: Table) -> TableLoad:
        began = time.perf_counter()
        stored = self._stored(contract)
        known = self._known(contract)
        differing = _differing(stored, known)
        rows = sum(self._bring(contract, day, stored.get(day)) for day in differing)
        if rows:
            self._tell_planner(contract, rows)
        self._compress(contract)
        gone = sum(day not in stored for day in differing)
        seconds = time.perf_counter() - began
        return TableLoad(contract.name, len(differing) - gone, len(stored) - len(differing) + gone, gone, rows, seconds)

    @patient
    def _tell_planner(self, contract: Table, rows: int) -> None:
        """Have the server look at a table anew once a good part of it is new; of partitions nobody else tells it what
        they are together."""
        with self.server.owning() as connection:
            if rows >= NEW_SHARE * meta_tables.row_count(connection, contract.name):
                connection.execute("set local default_statistics_target = 10")
                connection.execute(statement("analyze {t}", t=table(contract.name)))

    @patient
    def _compress(self, contract: Table) -> None:
        with self.server.owning() as connection:
            if contract.name in hypertables(connection):
                compress_old(connection, contract)

    def _stored(self, contract: Table) -> dict[date | None, PartitionRecord]:
        """What the lake has; a partition whose record is missing was being replaced when somebody was killed."""
        if contract.name in self.left_out:
            return {}
        return self.lake.records(contract)

    @patient
    def _known(self, contract: Table) -> dict[date | None, str]:
        with self.server.transaction() as connection:
            return meta_tables.loaded(connection, contract.name)

    @patient
    def _bring(self, contract: Table, day: date | None, record: PartitionRecord | None) -> int:
        """One partition in one transaction; returns its rows. The server going away costs another try."""
        frame = (
            contract.empty() if record is None else self.lake.scan(contract, None if day is None else [day]).collect()
        )
        try:
            with self.server.owning() as connection:
                connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, %s))", [contract.name, LOAD_LOCK])
                # First the books: the exchange at the end of `_replace` holds a lock until the commit.
                if record is None:
                    meta_tables.forget_loaded(connection, contract.name, day)
                else:
                    meta_tables.note_loaded(connection, contract.name, day, record.content, frame.height)
                _replace(connection, contract, day, frame)
                meta_tables.new_version(connection)
        except errors.LockNotAvailable:
            raise ServiceError(
                f"another session has held {contract.name} for {partitions.LOCK_PATIENCE_S} s; run `fleet build` again"
            ) from None
        except psycopg.Error as error:
            where = contract.name if day is None else f"{contract.name} of {day}"
            raise DataError(f"{where} cannot be loaded into {self.server.address}: {sentence(error)}") from None
        return frame.height


def _differing(stored: dict[date | None, PartitionRecord], known: dict[date | None, str]) -> list[date | None]:
    changed = [day for day, record in stored.items() if known.get(day) != record.content]
    return changed + [day for day in known if day not in stored]


def _replace(connection: psycopg.Connection, contract: Table, day: date | None, frame: pl.DataFrame) -> None:
    """Put a frame in the place of a partition's rows, in the way of what the table is."""
    if day is None or not partitions.is_divided(connection, contract):
        partitions.delete_day(connection, contract, day)
        copy_rows(connection, contract, table(contract.name), frame)
    elif contract.name in by_day():
        partitions.ensure_month(connection, contract, day, divided=True)
        fresh = None if frame.is_empty() else _filled(connection, contract, day, frame)
        partitions.exchange_day(connection, contract, day, fresh)
    else:
        partitions.ensure_month(connection, contract, day, divided=False)
        partitions.delete_day(connection, contract, day)
        copy_rows(connection, contract, table(partitions.month_name(contract, day), PARTS), frame)


def _filled(connection: psycopg.Connection, contract: Table, day: date, frame: pl.DataFrame) -> sql.Identifier:
    fresh = partitions.new_day(connection, contract, day)
    # The table is this transaction's own: its rows need no later visit that marks them as visible to all.
    copy_rows(connection, contract, fresh, frame, freeze=True)
    partitions.index_like_parent(connection, contract, fresh)
    # A day is much like the next: a small sample tells the planner enough, in a tenth of the time.
    connection.execute("set local default_statistics_target = 10")
    connection.execute(statement("analyze {new}", new=fresh))
    return fresh


def copy_rows(
    connection: psycopg.Connection, contract: Table, into: sql.Identifier, frame: pl.DataFrame, *, freeze: bool = False
) -> None:
    """Append a frame's rows by binary COPY."""
    if frame.is_empty():
        return
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in contract.columns)
    how = "(format binary, freeze)" if freeze else "(format binary)"
    text = statement("copy {into} ({columns}) from stdin " + how, into=into, columns=columns)
    with connection.cursor().copy(text) as copy:
        # The server takes in one piece while the next is encoded here.
        pieces: Iterator[bytes | memoryview] = chain([HEADER], prefetched(encoded(contract, frame)), [TRAILER])
        for piece in pieces:
            copy.write(piece)
