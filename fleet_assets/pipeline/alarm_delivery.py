"""Delivery of alarms: each in the table is told once, to the operator's webhook and to the log.

Belongs here: which alarm is sent when. Does not belong here: the table (`core.alarms`), bytes
(`core.alarm_messages`), the file (`adapters.alarm_ledger`), the sending (`adapters.webhook`).

What can be promised over HTTP: an alarm is recorded as delivered once, after the receiver accepted it, and is then
never sent again. If this process ends between the answer and the record, it is sent again with the same id and the
same body: at least once on the wire, and once for a receiver that remembers ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from fleet_assets.adapters.alarm_ledger import LEDGER, AlarmLedger, Entry
from fleet_assets.adapters.webhook import Answer, post
from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.errors import SettingError
from fleet_assets.core.alarm_messages import body_of, signed_headers, wait_after
from fleet_assets.core.alarms import AlarmRules
from fleet_assets.installation import Installation

AT_WORK_S = 25.0
"""s after which one pass sends no further alarm: Dagster ends a sensor that takes a minute."""

Send = Callable[[Mapping[str, str], bytes], Answer]
"""Sends headers and body."""

Tell = Callable[[str], object]
"""Writes a line into the log."""


@dataclass(frozen=True)
class Receiver:
    """Where alarms go and how they are signed; without `send` to the log alone."""

    send: Send | None
    secret: str = ""


def receiver_of(installation: Installation) -> Receiver:
    """The receiver that the settings name; raises SettingError for an address without a secret."""
    settings = installation.settings
    if not settings.webhook_url:
        return Receiver(None)
    if not settings.webhook_secret:
        raise SettingError("FLEET_WEBHOOK_URL is set and FLEET_WEBHOOK_SECRET is not: alarms are only sent signed")
    return Receiver(partial(post, settings.webhook_url), settings.webhook_secret)


def ledger_of(installation: Installation) -> AlarmLedger:
    """The ledger of an installation."""
    return AlarmLedger(installation.settings.root / LEDGER)


def deliver(installation: Installation, receiver: Receiver, now: datetime, tell: Tell) -> dict[str, int]:
    """One pass: write down what is new, then send what is due; returns how many alarms are in which state.

    Where the receiver does not answer, the others wait for the next pass.
    """
    ledger, longest = ledger_of(installation), timedelta(hours=installation.settings.alarm_max_age_hours)
    with ledger.alone():
        rows = installation.lake.scan(ALARMS).collect()
        _note(ledger, rows, now, now - longest, tell)
        _send_due(ledger, receiver, now, now - longest, tell)
        return ledger.counts()


def _note(ledger: AlarmLedger, rows: pl.DataFrame, now: datetime, oldest: datetime, tell: Tell) -> None:
    """Write down alarms that are new, and what follows from those that are gone."""
    there, known = set(rows["alarm_id"]), ledger.known()
    gone = [one for one in ledger.entries("waiting") if one.alarm_id not in there and not one.attempts]
    for entry in gone:
        ledger.settle(entry.alarm_id, "withdrawn", now)
    new = rows.filter(~pl.col("alarm_id").is_in(pl.Series(sorted(known), dtype=pl.String).implode()))
    if new.is_empty():
        return
    moved = [one for state in ("delivered", "waiting") for one in ledger.entries(state) if one.alarm_id not in there]
    alarms = new.sort("closed_at", "alarm_id").to_dicts()
    entries = [_entry(alarm, oldest, moved) for alarm in alarms]
    for entry, alarm in zip(entries, alarms, strict=True):
        if entry.state == "waiting":  # before it is written down: a line may come twice, and is never lost
            tell(f"alarm {entry.alarm_id}: {entry.vehicle_id}, {alarm['name'] or alarm['kind']}")
    ledger.add(entries, now)
    suppressed = sum(one.state == "suppressed" for one in entries)
    if suppressed:
        tell(f"{suppressed:,} alarms became final before {oldest:%Y-%m-%d %H:%M} UTC: suppressed, not sent")


def _entry(alarm: Mapping[str, Any], oldest: datetime, moved: Iterable[Entry]) -> Entry:
    """What is written down of a new alarm. `moved`: alarms that were told and are in the table no more."""
    owner = (alarm["vehicle_id"], alarm["source"], alarm["kind"])
    closed_at, quiet = alarm["closed_at"], timedelta(hours=AlarmRules.quiet_h)
    if closed_at < oldest:
        state = "suppressed"
    elif any(one.owner == owner and abs(one.closed_at - closed_at) < quiet for one in moved):
        state = "repeated"
    else:
        state = "waiting"
    return Entry(alarm["alarm_id"], *owner, closed_at, state, body_of(alarm))


def _send_due(ledger: AlarmLedger, receiver: Receiver, now: datetime, oldest: datetime, tell: Tell) -> None:
    until = time.monotonic() + AT_WORK_S
    for entry in _due(ledger, now, oldest, tell):
        if receiver.send is None:
            ledger.settle(entry.alarm_id, "delivered", now)
            continue
        answer = _tried(ledger, receiver, receiver.send, entry, now)
        if answer.problem:
            tell(f"alarm {entry.alarm_id}: the webhook {answer.problem} (attempt {entry.attempts + 1})")
        if not answer.is_there or time.monotonic() > until:
            return


def _due(ledger: AlarmLedger, now: datetime, oldest: datetime, tell: Tell) -> Iterator[Entry]:
    """Waiting alarms whose time has come; those that have become too old are settled."""
    for entry in ledger.entries("waiting"):
        if entry.closed_at < oldest:
            state = "expired" if entry.attempts else "suppressed"
            ledger.settle(entry.alarm_id, state, now, entry.problem)
            tell(f"alarm {entry.alarm_id}: too old to be sent after {entry.attempts} attempts: {state}")
        elif entry.due_at <= now:
            yield entry


def _tried(ledger: AlarmLedger, receiver: Receiver, send: Send, entry: Entry, now: datetime) -> Answer:
    """Send one alarm, with a record before and after."""
    ledger.trying(entry.alarm_id, now + wait_after(entry.attempts + 1), now)
    answer = send(signed_headers(receiver.secret, entry.alarm_id, now, entry.body), entry.body)
    ledger.settle(entry.alarm_id, "waiting" if answer.problem else "delivered", now, answer.problem)
    return answer
