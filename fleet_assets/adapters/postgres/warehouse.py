"""The PostgreSQL warehouse as builds and queries see it.

Belongs here: the promise of `any_warehouse.Warehouse`, kept on a server. Does not belong here: loading (`load`), how a
build is exchanged (`publication`), and what may be asked (`query`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from getpass import getuser

import polars as pl
import psycopg
from psycopg import errors

from fleet_assets.adapters import dbt_session
from fleet_assets.adapters.postgres import meta_tables, publication
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.data_version import DataVersion
from fleet_assets.adapters.postgres.migrate import current
from fleet_assets.adapters.postgres.names import BUILD, BUILD_LOCK, BUILD_PREFIX, OWNER, PUBLISHED
from fleet_assets.adapters.postgres.owners import acting, refuse_unless_usable
from fleet_assets.adapters.postgres.query import query, query_with_version
from fleet_assets.contracts.errors import ServiceError

PROFILE = ("host", "port", "user", "dbname", "sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout")
"""Parts of the address that dbt's profile takes one by one."""

SAME_NUMBERS = {"max_parallel_workers_per_gather": "0", "synchronize_seqscans": "off", "jit": "off"}
"""Sums of floats in one order, so that equal lakes give equal marts to the last bit."""


@dataclass(frozen=True)
class PostgresWarehouse:
    """Marts and lake tables in one database of a server."""

    server: Server

    @property
    def kind(self) -> str:
        return "postgres"

    @property
    def location(self) -> str:
        return self.server.address

    @property
    def is_published(self) -> bool:
        with self.server.transaction() as connection:
            return current(connection) is not None and bool(publication.published(connection, PUBLISHED))

    @property
    def published_at(self) -> datetime | None:
        """When the newest of the marts was published; None before."""
        with self.server.transaction() as connection:
            return meta_tables.published_at(connection) if current(connection) is not None else None

    def damage(self, *, deep: bool = False) -> str:
        """Nothing: the server looks after its own files."""
        del deep
        return ""

    def dbt_environment(self, *, parsing: bool = False) -> dict[str, str]:
        """The parts of the address for dbt's profile, and what libpq is told besides; the password goes unseen."""
        parts = {"host": "localhost", "port": "5432", "user": getuser()} | self.server.parts
        # The role is no part of dbt's profile: a changed profile makes dbt read the whole project anew.
        told = SAME_NUMBERS | ({} if parsing else self._role())
        settings = " ".join(f"-c {name}={value}" for name, value in told.items())
        return {
            "FLEET_WAREHOUSE_TARGET": self.kind,
            **{f"FLEET_WAREHOUSE_{name.upper()}": parts.get(name, "") for name in PROFILE},
            "DBT_ENV_SECRET_WAREHOUSE_PASSWORD": parts.get("password", ""),
            "FLEET_WAREHOUSE_SCHEMA": BUILD,
            "FLEET_WAREHOUSE_PREFIX": BUILD_PREFIX,
            "FLEET_WAREHOUSE_LAKE": PUBLISHED,
            "FLEET_WAREHOUSE_APPLICATION": publication.BUILD_APPLICATION,
            dbt_session.SERVER_OPTIONS: f"{self.server.options} {settings}",
            dbt_session.FOLDER: "",
        }

    @contextmanager
    def building(self, anew: Collection[str] = ()) -> Iterator[None]:
        """Have the scratch schema for oneself, on whatever machine; a second build waits its turn."""
        lock = self.server.connect(autocommit=True)
        try:
            lock.execute("select pg_advisory_lock(%s)", [BUILD_LOCK])
            with self.server.owning() as connection:
                refuse_unless_usable(connection, acting(self.server, connection))
                publication.begin(connection, anew)
            yield
        finally:
            lock.close()

    def settle(self) -> bool:
        """A server holds the lake's rows itself: it stays where it is."""
        return False

    def publish(self, tell: publication.Words = lambda _: None) -> None:
        """Exchange what is published for what was built, in one step; `tell` hears who holds it up, and what of
        somebody's was lost. Raises ServiceError if readers never end."""
        try:
            with self.server.owning() as connection:
                for lost in publication.exchange(connection, tell):
                    tell(lost)
                meta_tables.new_version(connection)
        except errors.LockNotAvailable:
            with self.server.transaction() as connection:
                who = publication.holder(connection)
            raise ServiceError(
                f"{who} has held the marts for {publication.LOCK_PATIENCE_S} s; nothing is published: end it (or set "
                "idle_in_transaction_session_timeout for readers) and build again"
            ) from None
        with self.server.owning() as connection:
            publication.analyze(connection)

    def lost(self, models: Iterable[str]) -> list[str]:
        """Those of some models that the scratch schemas do not hold: views not asked for, or upon marts made anew."""
        with self.server.transaction() as connection:
            return sorted({*models} - publication.built(connection))

    def row_counts(self) -> dict[str, int]:
        with self.server.transaction() as connection:
            return publication.row_counts(connection)

    def built_from(self) -> dict[str, str]:
        with self.server.transaction() as connection:
            return self._inputs(connection)

    def note_inputs(self, notes: Mapping[str, str]) -> None:
        """Remember what each of these models was built from; "" where nobody can say."""
        with self.server.owning() as connection:
            meta_tables.note_inputs(connection, notes)

    def query(self, sql: str) -> pl.DataFrame:
        return query(self.server, sql)

    def origin(self, sql: str) -> str | None:
        """What the rows of a SELECT would be made from now; see `any_warehouse.Warehouse.origin`."""
        del sql
        return self._data_version.now() or None

    def query_with_origin(self, sql: str) -> tuple[pl.DataFrame, str | None]:
        """The rows, and what they were made from: both of one snapshot."""
        return query_with_version(self.server, sql)

    @cached_property
    def _data_version(self) -> DataVersion:
        return DataVersion(self.server)

    def _role(self) -> dict[str, str]:
        with self.server.transaction() as connection:
            return {"role": OWNER} if self.server.may_be(connection, OWNER) else {}

    @staticmethod
    def _inputs(connection: psycopg.Connection) -> dict[str, str]:
        return meta_tables.mart_inputs(connection) if current(connection) is not None else {}
