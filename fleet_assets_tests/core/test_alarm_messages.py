"""Messages of alarms: equal bytes for equal alarms, a signature that a receiver can check, longer and longer waits."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta

from fleet_assets.core.alarm_messages import body_of, signed_headers, wait_after

NOON = datetime(2026, 3, 3, 12, 0, 0, 500_000, tzinfo=UTC)


def test_a_body_is_json_with_instants_in_utc_and_nulls() -> None:
    body = body_of({"alarm_id": "a", "closed_at": NOON, "local_date": date(2026, 3, 3), "speed_kmh": None, "name": "é"})
    assert json.loads(body) == {
        "alarm_id": "a", "closed_at": "2026-03-03T12:00:00.500000Z", "local_date": "2026-03-03", "speed_kmh": None,
        "name": "é",
    }  # fmt: skip


def test_the_signature_covers_the_second_the_id_and_the_body() -> None:
    headers = signed_headers("key", "a", NOON, b"{}")
    assert (headers["X-Fleet-Timestamp"], headers["X-Fleet-Alarm-Id"]) == (str(int(NOON.timestamp())), "a")
    expected = hmac.new(b"key", f"{headers['X-Fleet-Timestamp']}.a.".encode() + b"{}", hashlib.sha256).hexdigest()
    assert headers["X-Fleet-Signature"] == f"sha256={expected}"
    others = (("other", "a", NOON, b"{}"), ("key", "b", NOON, b"{}"), ("key", "a", NOON, b"[]"),
              ("key", "a", NOON + timedelta(seconds=1), b"{}"))  # fmt: skip
    assert all(signed_headers(*one)["X-Fleet-Signature"] != headers["X-Fleet-Signature"] for one in others)


def test_waits_double_up_to_an_hour() -> None:
    assert [wait_after(count).total_seconds() for count in (1, 2, 3, 7, 8, 9, 10_000)] == [
        30, 60, 120, 1920, 3600, 3600, 3600,
    ]  # fmt: skip
