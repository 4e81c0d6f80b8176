"""Delivery of alarms over a real socket: each accepted once, whatever fails, hangs, restarts or is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.alarm_ledger import STATES
from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.errors import SettingError
from fleet_assets.core.alarm_messages import signature
from fleet_assets.installation import Installation
from fleet_assets.pipeline.alarm_delivery import Receiver as Where
from fleet_assets.pipeline.alarm_delivery import deliver, ledger_of, receiver_of
from fleet_assets.settings import load_settings
from fleet_assets_tests.fixtures.webhook_server import HANGS_UP, SILENT, Receiver, webhook_server

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR, SECRET = timedelta(hours=1), "key"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_server() as found:
        yield found


def alarm(name: str, hours: float = -1, **others: object) -> dict[str, object]:
    """One that became final so many hours from now."""
    at = NOW + hours * HOUR
    return {
        "alarm_id": name, "vehicle_id": f"lorry-{name}", "source": "theft_model", "kind": "theft",
        "name": "Fuel theft, 40 l", "started_at": at - HOUR, "recorded_at": at - HOUR, "closed_at": at,
        "local_date": at.date(), "rules_version": "r", **others,
    }  # fmt: skip


def store(installation: Installation, *alarms: dict[str, object]) -> None:
    """Put these in the place of what the table holds on their days, and of the days around now."""
    rows = pl.DataFrame(alarms, schema=ALARMS.schema)
    for number in range(-9, 2):
        day = date(2026, 3, 5) + timedelta(days=number)
        installation.lake.write(ALARMS, day, rows.filter(pl.col("closed_at").dt.date() == day), "test")


def where(installation: Installation, receiver: Receiver) -> Where:
    """The receiver as settings name it."""
    home = installation.settings.root
    return receiver_of(Installation(load_settings(home=home, webhook_url=receiver.url, webhook_secret=SECRET)))


def passes(
    installation: Installation, receiver: Receiver, hours: float = 0, heard: list[str] | None = None
) -> dict[str, int]:
    """One pass so many hours from now; the states that have alarms."""
    told = heard.append if heard is not None else lambda _: None
    counts = deliver(installation, where(installation, receiver), NOW + hours * HOUR, told)
    assert list(counts) == list(STATES)
    return {state: count for state, count in counts.items() if count}


def test_an_alarm_is_sent_once_signed_and_told_in_the_log(installation: Installation, receiver: Receiver) -> None:
    store(installation, alarm("a"), alarm("b", value=0.9))
    heard: list[str] = []
    assert passes(installation, receiver, heard=heard) == {"delivered": 2}
    assert heard == ["alarm a: lorry-a, Fuel theft, 40 l", "alarm b: lorry-b, Fuel theft, 40 l"]
    assert passes(installation, receiver, 1, heard) == {"delivered": 2}
    assert receiver.ids == ["a", "b"]
    headers, body = receiver.got[1]
    stamp = headers["X-Fleet-Timestamp"]
    assert headers["X-Fleet-Signature"] == f"sha256={signature(SECRET, stamp, 'b', body)}"
    told = json.loads(body)
    assert (told["vehicle_id"], told["value"], told["speed_kmh"]) == ("lorry-b", 0.9, None)
    assert list(told) == ALARMS.schema.names()


def test_without_a_receiver_alarms_are_told_in_the_log_once(installation: Installation) -> None:
    store(installation, alarm("a"))
    heard: list[str] = []
    for hours in (0, 1):
        assert deliver(installation, receiver_of(installation), NOW + hours * HOUR, heard.append)["delivered"] == 1
    assert heard == ["alarm a: lorry-a, Fuel theft, 40 l"]


def test_an_address_without_a_secret_is_refused(installation: Installation) -> None:
    unsigned = Installation(load_settings(home=installation.settings.root, webhook_url="http://localhost/"))
    with pytest.raises(SettingError, match="FLEET_WEBHOOK_SECRET is not"):
        receiver_of(unsigned)


def test_what_fails_is_tried_again_later_and_later_with_the_same_bytes(
    installation: Installation, receiver: Receiver
) -> None:
    store(installation, alarm("a"))
    receiver.answers = [500, 503]
    heard: list[str] = []
    seconds = (0, 29, 30, 89, 90, 1000)
    states = [passes(installation, receiver, one / 3600, heard) for one in seconds]
    assert states == [{"waiting": 1}] * 4 + [{"delivered": 1}] * 2
    assert receiver.ids == ["a"] * 3
    assert len({body for _, body in receiver.got}) == 1
    assert heard[1:] == [
        "alarm a: the webhook answered 500 Internal Server Error (attempt 1)",
        "alarm a: the webhook answered 503 Service Unavailable (attempt 2)",
    ]


def test_a_receiver_that_is_not_there_is_asked_once_a_pass(
    installation: Installation, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet_assets.adapters.webhook.post.__defaults__", (0.3,))
    store(installation, alarm("a", -3), alarm("b", -2), alarm("c", -1))
    receiver.answers = [SILENT, HANGS_UP, 500]
    assert passes(installation, receiver) == {"waiting": 3}
    assert passes(installation, receiver) == {"waiting": 3}
    assert passes(installation, receiver) == {"waiting": 3}
    assert receiver.ids == ["a", "b", "c"]  # each waits after its own failure
    assert passes(installation, receiver, 1) == {"delivered": 3}


def test_alarms_that_are_too_old_are_suppressed_and_counted(installation: Installation, receiver: Receiver) -> None:
    store(installation, alarm("old", -24.1), alarm("older", -100), alarm("new", -23.9))
    heard: list[str] = []
    assert passes(installation, receiver, heard=heard) == {"delivered": 1, "suppressed": 2}
    assert receiver.ids == ["new"]
    assert "2 alarms became final before 2026-03-04 12:00 UTC: suppressed, not sent" in heard


def test_an_alarm_that_is_never_accepted_expires(installation: Installation, receiver: Receiver) -> None:
    store(installation, alarm("a"))
    receiver.answers = [500] * 9
    assert passes(installation, receiver) == {"waiting": 1}
    assert passes(installation, receiver, 23.5) == {"expired": 1}
    assert len(receiver.got) == 1


def test_an_alarm_whose_start_moved_after_it_was_told_is_not_told_again(
    installation: Installation, receiver: Receiver
) -> None:
    store(installation, alarm("a", -2))
    passes(installation, receiver)
    moved = alarm("a2", -1.9, vehicle_id="lorry-a")
    store(installation, moved, alarm("other-kind", -1.8, vehicle_id="lorry-a", kind="slow_loss"))
    assert passes(installation, receiver) == {"delivered": 2, "repeated": 1}
    assert receiver.ids == ["a", "other-kind"]


def test_one_that_was_never_tried_and_is_gone_gives_way_to_the_one_in_its_place(
    installation: Installation, receiver: Receiver
) -> None:
    store(installation, alarm("first", -3), alarm("a", -2))
    receiver.answers = [HANGS_UP]  # so that `a` is not tried
    passes(installation, receiver)
    store(installation, alarm("first", -3), alarm("a2", -1.9, vehicle_id="lorry-a"))
    assert passes(installation, receiver, 1) == {"delivered": 2, "withdrawn": 1}
    assert receiver.ids == ["first", "first", "a2"]


def test_an_empty_table_is_nothing_to_tell(installation: Installation, receiver: Receiver) -> None:
    assert passes(installation, receiver) == {}
    assert receiver.got == []


KILLED = """
import os, signal, sys
from datetime import datetime
from functools import partial
from fleet_assets.adapters import webhook
from fleet_assets.adapters.alarm_ledger import AlarmLedger
from fleet_assets.installation import Installation
from fleet_assets.pipeline.alarm_delivery import Receiver, deliver
url, moment, now = sys.argv[1:]
def send(headers, body):
    if moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = webhook.post(url, headers, body)
    assert answer.problem == ""
    os.kill(os.getpid(), signal.SIGKILL)
deliver(Installation.from_environment(), Receiver(send, "key"), datetime.fromisoformat(now), print)
"""


@pytest.mark.parametrize(("moment", "seen"), [("before", 1), ("after", 2)])
def test_killed_around_the_sending_it_is_sent_again_with_one_id_and_recorded_once(
    installation: Installation, receiver: Receiver, moment: str, seen: int
) -> None:
    store(installation, alarm("a"))
    done = subprocess.run([sys.executable, "-c", KILLED, receiver.url, moment, NOW.isoformat()], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = ledger_of(installation).entries("waiting")
    assert (left.alarm_id, left.attempts) == ("a", 1)
    assert passes(installation, receiver, 29 / 3600) == {"waiting": 1}
    assert [passes(installation, receiver, hours) for hours in (0.1, 0.2, 5)] == [{"delivered": 1}] * 3
    assert receiver.ids == ["a"] * seen
    assert len({body for _, body in receiver.got}) == 1


def test_two_senders_at_once_send_each_alarm_once(installation: Installation, receiver: Receiver) -> None:
    store(installation, *(alarm(f"a{number}") for number in range(6)))
    with ThreadPoolExecutor(3) as pool:
        counts = list(pool.map(lambda _: passes(installation, receiver), range(3)))
    assert counts == [{"delivered": 6}] * 3
    assert sorted(receiver.ids) == [f"a{number}" for number in range(6)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([200, 200, 500, 404, HANGS_UP]), max_size=12), st.integers(1, 4))
def test_whatever_the_receiver_answers_each_alarm_is_accepted_once(answers: list[int], count: int) -> None:
    with tempfile.TemporaryDirectory() as home, webhook_server() as receiver:
        installation = Installation(load_settings(home=Path(home), alarm_max_age_hours=1000.0))
        store(installation, *(alarm(f"a{number}") for number in range(count)))
        accepted: list[str] = []
        receiver.answers = list(answers)
        for number in range(40):
            passes(installation, receiver, number)
        replies = [*answers, *[200] * len(receiver.got)]
        accepted = [name for name, status in zip(receiver.ids, replies, strict=False) if status == 200]
        assert sorted(accepted) == [f"a{number}" for number in range(count)]
        assert passes(installation, receiver, 99) == {"delivered": count}
