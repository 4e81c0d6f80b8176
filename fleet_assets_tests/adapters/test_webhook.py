"""One POST over a real socket: accepted, refused, silent, gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fleet_assets.adapters.webhook import Answer, post
from fleet_assets.contracts.errors import SettingError
from fleet_assets_tests.fixtures.webhook_server import HANGS_UP, SILENT, Receiver, webhook_server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_server() as found:
        yield found


def sent(receiver: Receiver) -> Answer:
    return post(receiver.url, {"Idempotency-Key": "a"}, b"{}", timeout_s=0.3)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_status_of_two_hundred_and_some_accepts(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    assert sent(receiver) == Answer()
    assert receiver.got[0][1] == b"{}"


@pytest.mark.parametrize(("status", "said"), [(500, "answered 500 Internal Server Error"), (404, "answered 404")])
def test_another_status_is_told(receiver: Receiver, status: int, said: str) -> None:
    receiver.answers = [status]
    answer = sent(receiver)
    assert answer.problem.startswith(said)
    assert answer.is_there


def test_a_redirection_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    assert sent(receiver).problem.startswith("answered 302")
    assert len(receiver.got) == 1


@pytest.mark.parametrize("how", [SILENT, HANGS_UP])
def test_silence_and_a_lost_connection_are_no_answer(receiver: Receiver, how: int) -> None:
    receiver.answers = [how]
    answer = sent(receiver)
    assert answer.problem.startswith("no answer: ")
    assert not answer.is_there


def test_nobody_at_the_address_is_no_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    answer = post(f"http://127.0.0.1:{port}/", {}, b"{}", timeout_s=0.3)
    assert "refused" in answer.problem
    assert not answer.is_there


def test_an_address_of_another_kind_is_refused_without_its_secrets() -> None:
    with pytest.raises(SettingError, match="FLEET_WEBHOOK_URL=ftp://host/path is neither") as refused:
        post("ftp://host/path?token=secret", {}, b"{}")
    assert "secret" not in str(refused.value)
