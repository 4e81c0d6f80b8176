"""Dagster's SQLite storage with one engine a file.

Belongs here: how this process connects to the runs, events and ticks of its instance. Does not belong here: what is
stored, which is Dagster's.

The storage that Dagster ships makes an engine and a connection for each statement: it compiles every statement anew,
and each time it closes the last connection SQLite copies its log into the file and waits for the disk, twice an event.
Here connections stay, and SQLite waits for the disk when it copies its log, not at each commit: after a loss of power
the newest events may be missing, the file is whole (https://sqlite.org/pragma.html#pragma_synchronous). What is stored
of the fleet lies in the lake, which waits for the disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen

FILES_OPEN = 64
"""Files that this process keeps connections to: each run has its own, and the oldest are let go."""


@lru_cache(FILES_OPEN)
def _engine(address: str) -> Engine:
    engine = create_engine(address, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    listen(engine, "connect", _wait_for_the_disk_at_checkpoints)
    return engine


def _wait_for_the_disk_at_checkpoints(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = normal")


class Events(SqliteEventLogStorage):
    """The events of each run in a file of its own, and those of assets in an index beside them."""

    _has_index_columns = False

    def has_table(self, table_name: str) -> bool:
        # Without the lock of `_connect`: it is asked in the middle of a transaction too.
        with _engine(self.conn_string_for_shard(INDEX_SHARD_NAME)).connect() as connection:
            return bool(connection.dialect.has_table(connection, table_name))

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        self._has_index_columns = self._has_index_columns or super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_index_columns


class Runs(SqliteRunStorage):
    """The runs, in one file."""

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with _engine(self._conn_string).begin() as connection:
            yield connection


class Ticks(SqliteScheduleStorage):
    """Schedules, sensors and their ticks, in one file."""

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with _engine(self._conn_string).begin() as connection:
            yield connection


class InstanceStorage(DagsterSqliteStorage):
    """Runs, events and ticks below one folder, in the files of `DagsterSqliteStorage`: either reads what the other
    wrote. Named in dagster.yaml."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = Runs.from_local(_runs_directory(base_dir))
        self._event_log_storage = Events(_event_logs_directory(base_dir))
        self._schedule_storage = Ticks.from_local(_schedule_directory(base_dir))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> InstanceStorage:
        return cls.from_local(config_value["base_dir"], inst_data)
