"""The ledger of alarms: what became of each, written to the disk before and after it is sent.

Belongs here: the file and its states. Does not belong here: when which alarm is sent (`pipeline.alarm_delivery`).

    waiting      to be sent; `attempts` says how often it was tried
    delivered    the receiver accepted it, or there is none and it was told in the log: never sent again
    suppressed   too old when it would have been sent for the first time; never sent
    expired      tried and not accepted until it was too old; never sent again
    repeated     what was told before under another id, whose start late rows moved; never sent
    withdrawn    never tried, and no longer in the table
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fleet_assets.adapters.durable_file import make_folder
from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.unix_time import instant, unix_us

LEDGER = "alarms"
"""Its folder in FLEET_HOME."""

STATES = ("waiting", "delivered", "suppressed", "expired", "repeated", "withdrawn")

_SCHEMA = """
create table if not exists alarms (
    alarm_id text primary key, vehicle_id text not null, source text not null, kind text not null,
    closed_at integer not null, state text not null, body blob not null, attempts integer not null default 0,
    due_at integer not null default 0, problem text not null default '', changed_at integer not null
) strict;
create index if not exists alarms_by_state on alarms (state, due_at);
"""
_COLUMNS = "alarm_id, vehicle_id, source, kind, closed_at, state, body, attempts, due_at, problem"


@dataclass(frozen=True)
class Entry:
    """One alarm of the ledger; `body` are the bytes of every sending of it."""

    alarm_id: str
    vehicle_id: str
    source: str
    kind: str
    closed_at: datetime
    state: str
    body: bytes
    attempts: int = 0
    due_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    problem: str = ""

    @property
    def owner(self) -> tuple[str, str, str]:
        """Alarms of one of these are a day apart."""
        return self.vehicle_id, self.source, self.kind


@dataclass(frozen=True)
class AlarmLedger:
    """The ledger in one folder; a missing one is empty. Every change is durable when it returns."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "ledger.sqlite"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one that sends: a second sender waits."""
        with exclusive_lock(self.folder / "sending.lock"):
            yield

    def add(self, entries: Iterable[Entry], now: datetime) -> None:
        """Write down alarms that it does not know; one that it knows stays as it is."""
        rows = [
            (one.alarm_id, one.vehicle_id, one.source, one.kind, unix_us(one.closed_at), one.state, one.body,
             one.attempts, unix_us(one.due_at), one.problem, unix_us(now))
            for one in entries
        ]  # fmt: skip
        with self._open() as file:
            file.executemany(f"insert or ignore into alarms ({_COLUMNS}, changed_at) values ({_marks(11)})", rows)

    def trying(self, alarm_id: str, due_at: datetime, now: datetime) -> None:
        """Write down, before it is sent, that it is tried once more, and when again if nothing is heard of it."""
        with self._open() as file:
            file.execute(
                "update alarms set attempts = attempts + 1, due_at = ?, changed_at = ? where alarm_id = ?",
                (unix_us(due_at), unix_us(now), alarm_id),
            )

    def settle(self, alarm_id: str, state: str, now: datetime, problem: str = "") -> None:
        """Write down what became of it."""
        with self._open() as file:
            file.execute(
                "update alarms set state = ?, problem = ?, changed_at = ? where alarm_id = ?",
                (state, problem, unix_us(now), alarm_id),
            )

    def known(self) -> set[str]:
        """The ids that it has."""
        with self._open() as file:
            return {alarm_id for (alarm_id,) in file.execute("select alarm_id from alarms")}

    def entries(self, state: str) -> list[Entry]:
        """All in one state, the oldest first."""
        with self._open() as file:
            found = file.execute(
                f"select {_COLUMNS} from alarms where state = ? order by closed_at, alarm_id", (state,)
            ).fetchall()
        return [
            Entry(name, vehicle, source, kind, instant(closed), said, body, attempts, instant(due), problem)
            for name, vehicle, source, kind, closed, said, body, attempts, due, problem in found
        ]

    def counts(self) -> dict[str, int]:
        """How many there are in each state; all states are named."""
        if not self.path.exists():
            return dict.fromkeys(STATES, 0)
        with self._open() as file:
            found = dict(file.execute("select state, count(*) from alarms group by state").fetchall())
        return {state: found.get(state, 0) for state in STATES}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        make_folder(self.folder)
        with closing(sqlite3.connect(self.path, timeout=30.0)) as file, file:
            # A commit that returned survives a power cut.
            file.execute("pragma synchronous = full")
            file.executescript(_SCHEMA)
            yield file


def _marks(count: int) -> str:
    return ", ".join("?" * count)
