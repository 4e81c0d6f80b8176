"""Messages of alarms: what is sent of one, how it is signed, and when a failed one is tried again.

Belongs here: bytes and times. Does not belong here: sending (`adapters.webhook`), what was sent
(`adapters.alarm_ledger`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

FIRST_WAIT_S = 30.0
"""s after the first failure; each later wait is twice as long."""
LONGEST_WAIT_S = 3600.0
"""s that a wait is at most."""


def body_of(alarm: Mapping[str, Any]) -> bytes:
    """The alarm (a row of ALARMS) as JSON, instants in ISO 8601: equal alarms give equal bytes."""
    return json.dumps({name: _plain(value) for name, value in alarm.items()}, ensure_ascii=False).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def signed_headers(secret: str, alarm_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Headers of one sending: the id that names the alarm in every repetition, the second of sending, and the
    HMAC-SHA256 (RFC 2104) of `timestamp.alarm_id.body` under the secret in hexadecimal digits."""
    stamp = str(int(sent_at.timestamp()))
    return {
        "Content-Type": "application/json", "User-Agent": "fleet-assets", "Idempotency-Key": alarm_id,
        "X-Fleet-Alarm-Id": alarm_id, "X-Fleet-Timestamp": stamp,
        "X-Fleet-Signature": f"sha256={signature(secret, stamp, alarm_id, body)}",
    }  # fmt: skip


def signature(secret: str, stamp: str, alarm_id: str, body: bytes) -> str:
    """What a receiver computes, too, and compares in constant time."""
    signed = f"{stamp}.{alarm_id}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def wait_after(attempts: int) -> timedelta:
    """How long after so many failures, one at least, an alarm is tried again."""
    return timedelta(seconds=min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts - 1, 20)))
