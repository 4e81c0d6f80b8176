"""One server: its address without secrets, a bounded pool, transactions in the right role, and errors as sentences.

Belongs here: connecting. Does not belong here: any statement about tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from fleet_assets.adapters.postgres.address import parts_of
from fleet_assets.adapters.postgres.names import OWNER, PUBLISHED, statement
from fleet_assets.contracts.errors import ServiceError

POOL_SIZE = 4
"""Connections of one process: a load, a build and two queries; PostgreSQL's own default is 100 for all."""

POOL_WAIT_S = 30
"""s that a request waits for a free connection before it fails."""

POOL_RECYCLE_S = 1800
"""s after which an idle connection is replaced: firewalls forget them after an hour."""

CONNECT_TIMEOUT_S = 10
"""s to wait for a server that does not answer, unless the address says otherwise."""

SESSION = {"timezone": "UTC", "search_path": f"{PUBLISHED},public", "client_encoding": "UTF8"}
"""Said by every session of ours, whatever the database's own defaults are."""

APPLICATION = "fleet_assets"

SETTING_IS_GRANTED = 160_000
"""Server version from which on a membership says whether its member may `set role`."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL database by its libpq URL, options and TLS settings included; connects when first used."""

    url: str

    @cached_property
    def parts(self) -> dict[str, str]:
        """The parts of the address; raises SettingError, which does not repeat it (it may hold a password)."""
        return parts_of(self.url)

    @property
    def address(self) -> str:
        """Where it is, for people: no password, no options."""
        host = self.parts.get("host", "localhost")
        port = f":{self.parts['port']}" if "port" in self.parts else ""
        user = f"{self.parts['user']}@" if "user" in self.parts else ""
        return f"postgresql://{user}{host}{port}/{self.parts.get('dbname', '')}"

    @property
    def options(self) -> str:
        """What the server is told when a session begins: the address's own options, then ours."""
        ours = " ".join(f"-c {name}={value}" for name, value in SESSION.items() if name != "client_encoding")
        return f"{self.parts.get('options', '')} {ours}".strip()

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        """A connection of one's own, outside the pool; raises ServiceError when the server cannot be reached."""
        given = {"connect_timeout": str(CONNECT_TIMEOUT_S), "application_name": APPLICATION} | self.parts
        try:
            # dbname and the like come from the parsed address; psycopg puts them together again, quoted.
            return psycopg.connect(
                autocommit=autocommit,
                **given | {"options": self.options, "client_encoding": "UTF8"},  # type: ignore[arg-type]
            )
        except psycopg.OperationalError as error:
            raise Unreachable(f"PostgreSQL at {self.address} cannot be reached: {sentence(error)}") from None

    @cached_property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's view of the server, with its pool; a dead connection is noticed before it is handed out."""
        return sa.create_engine(
            "postgresql+psycopg://", creator=self.connect, pool_size=POOL_SIZE, max_overflow=0, pool_pre_ping=True,
            pool_timeout=POOL_WAIT_S, pool_recycle=POOL_RECYCLE_S,
        )  # fmt: skip

    @contextmanager
    def transaction(self, role: str = "") -> Iterator[psycopg.Connection]:
        """A pooled connection in one transaction, committed at the end, as `role` where the user may be it.

        Raises ServiceError when the server is away.
        """
        with self._session() as connection, connection.transaction():
            self.act_as(connection, role)
            yield connection

    @contextmanager
    def reading(self, role: str = "") -> Iterator[psycopg.Connection]:
        """The same in a transaction that cannot write, sees one moment, and is rolled back.

        What the session was told meanwhile goes with it (settings, advisory locks, prepared statements): the next one
        who gets it from the pool finds it as new.
        """
        with self._session() as connection:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute("set transaction isolation level repeatable read, read only")
                    self.act_as(connection, role)
                    yield connection
            finally:
                _forget(connection)

    @contextmanager
    def _session(self) -> Iterator[psycopg.Connection]:
        pooled = self._pooled()
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.Connection)
        try:
            yield connection
        except psycopg.Error as error:
            if not connection.closed:
                raise
            pooled.invalidate()
            raise self.ended(error) from None
        finally:
            pooled.close()

    def act_as(self, connection: psycopg.Connection, role: str) -> None:
        """Go on as a role to the end of the transaction, where the user may be it."""
        if role and self.may_be(connection, role):
            connection.execute(statement("set local role {role}", role=role))

    def ended(self, error: psycopg.Error) -> Unreachable:
        """What is raised where a session broke off."""
        return Unreachable(f"PostgreSQL at {self.address} ended the session: {sentence(error)}")

    def owning(self) -> AbstractContextManager[psycopg.Connection]:
        """A transaction as fleet_owner, so that all objects belong to it whoever makes them."""
        return self.transaction(OWNER)

    @staticmethod
    def may_be(connection: psycopg.Connection, role: str) -> bool:
        """Whether the session's user may act as a role that exists.

        Since 16 a member may be one that only lets others in: who makes a role without being a superuser is such.
        """
        how = "set" if connection.info.server_version >= SETTING_IS_GRANTED else "member"
        asked = "select coalesce((select pg_has_role(session_user, oid, %s) from pg_roles where rolname = %s), false)"
        row = connection.execute(asked, [how, role]).fetchone()
        return bool(row and row[0])

    def _pooled(self) -> PoolProxiedConnection:
        try:
            return self.engine.raw_connection()
        except sa.exc.TimeoutError:
            raise ServiceError(
                f"all {POOL_SIZE} connections to {self.address} have been in use for {POOL_WAIT_S} s"
            ) from None
        except sa.exc.OperationalError as error:
            raise Unreachable(f"PostgreSQL at {self.address} cannot be reached: {sentence(error.orig)}") from None


def _forget(connection: psycopg.Connection) -> None:
    """Have a session forget all it was told since it began."""
    if connection.closed:
        return
    connection.autocommit = True
    connection.execute("discard all")
    connection.autocommit = False


class Unreachable(ServiceError):
    """The server does not answer, or ended the session."""


def sentence(error: BaseException | None) -> str:
    """What the server said, in one line without the excerpt of the statement; it never holds a password."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        detail = error.diag.message_detail
        return error.diag.message_primary + (f" ({' '.join(detail.split())})" if detail else "")
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
