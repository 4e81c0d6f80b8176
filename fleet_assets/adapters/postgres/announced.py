"""Commits that change answers are announced, so that who remembers answers need not ask before each of them.

Belongs here: the lock, its times, both sides of it. Does not belong here: what is committed, and what is remembered
(`moments`).

A writer holds the lock ANNOUNCED, with other writers, for ANNOUNCED_S and longer when it commits. A reader that finds
the lock free and then looks knows that nothing will be committed for FREE_S, counted from before it looked: whoever
commits takes the lock after that, and waits for longer. Nobody waits for a reader, and no clocks are compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.names import ANNOUNCED

FREE_S = 0.05
"""s for which a look at a free lock may be relied upon."""

ANNOUNCED_S = 0.06
"""s for which a commit is announced; more than FREE_S, since no two clocks go alike."""

GOES_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that goes on while the machine sleeps."""

# The lock is free again at once. A server that follows another one has no writers of its own whom the lock could tell.
LOOK = f"select case when pg_is_in_recovery() then false else pg_try_advisory_xact_lock({ANNOUNCED}) end"

# The start of the server is part of it: one that took over from another may count the same numbers again.
MOMENT = "select pg_current_snapshot()::text || ' ' || pg_postmaster_start_time()::text"


def seconds() -> float:
    return time.clock_gettime(GOES_ON)


def look(connection: psycopg.Connection) -> tuple[str, bool]:
    """What is visible now, and whether no commit was announced just before; the connection commits by itself."""
    # The lock comes first: what a writer has committed before it let the lock go is in the snapshot.
    cursor = connection.execute(f"{LOOK}; {MOMENT}".encode())
    (is_free,) = cursor.fetchone() or (False,)
    cursor.nextset()
    (moment,) = cursor.fetchone() or ("",)
    return str(moment), bool(is_free)


class Announcement:
    """Of one or many commits, from the first on until it is withdrawn."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection | None = None
        self._began = 0.0

    def begin(self) -> None:
        """Announce, without waiting; raises ServiceError when the server is away."""
        if not self._is_standing():
            self.withdraw()
            self._connection = self._server.connect(autocommit=True)
            try:
                self._connection.execute("select pg_advisory_lock_shared(%s)", [ANNOUNCED])
            except psycopg.OperationalError as error:
                raise self._server.ended(error) from None
            self._began = seconds()

    def stand(self, connection: psycopg.Connection) -> None:
        """Return once the transaction of `connection` may be committed."""
        # The transaction holds the lock too: should the announcing session end now, nobody finds the lock free.
        connection.execute("select pg_advisory_xact_lock_shared(%s)", [ANNOUNCED])
        self.begin()
        time.sleep(max(0.0, self._began + ANNOUNCED_S - seconds()))

    def withdraw(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_standing(self) -> bool:
        try:
            return self._connection is not None and self._connection.execute("select 1").fetchone() is not None
        except psycopg.OperationalError:
            return False


@contextmanager
def announcing(server: Server) -> Iterator[Announcement]:
    """An announcement that is withdrawn at the end."""
    announcement = Announcement(server)
    try:
        yield announcement
    finally:
        announcement.withdraw()


@contextmanager
def announced(server: Server) -> Iterator[psycopg.Connection]:
    """A transaction as fleet_owner that is announced before it does anything."""
    with announcing(server) as announcement, server.owning() as connection:
        announcement.stand(connection)
        yield connection
