"""An answer is remembered until something is committed, and no question gets one that is older than itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import psycopg
import pytest

from fleet_assets.adapters.postgres.announced import FREE_S, Announcement, announced, announcing, look
from fleet_assets.adapters.postgres.connection import Server, Unreachable
from fleet_assets.adapters.postgres.moments import Moments
from fleet_assets.adapters.postgres.names import ANNOUNCED

END = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where query like %s and pid <> pg_backend_pid() and datname = current_database()
"""
NUMBERS = count()


@pytest.fixture
def server(postgres_url: str) -> Server:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("create table t (n int)")
        connection.execute("insert into t values (0)")
        # Who announces acts as fleet_owner where another test has made it.
        connection.execute("grant all on t to public")
    return Server(postgres_url)


@pytest.fixture
def other(server: Server) -> Iterator[psycopg.Connection]:
    """Somebody who announces nothing."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def moments(server: Server) -> Moments:
    return Moments(server)


def asked(moments: Moments) -> list[int]:
    """What two questions in a row are answered; a new question has the next number."""
    return [moments.remembered("how many", lambda: next(NUMBERS)) for _ in range(2)]


def write(connection: psycopg.Connection) -> None:
    connection.execute("update t set n = n + 1")


def test_reading_changes_nothing_and_an_announced_commit_does_at_once(
    moments: Moments, server: Server, other: psycopg.Connection
) -> None:
    first = asked(moments)
    other.execute("select count(*) from t")
    with announced(server) as connection:
        write(connection)
        assert asked(moments) == first
    second = asked(moments)
    assert (first[0], second[0]) == (first[1], second[1])
    assert second != first


def test_a_commit_that_nobody_announced_is_noticed_soon_and_beside_an_announced_one_at_once(
    moments: Moments, server: Server, other: psycopg.Connection
) -> None:
    first = asked(moments)
    write(other)
    time.sleep(FREE_S)
    second = asked(moments)
    assert second != first
    with announcing(server) as announcement:
        announcement.begin()
        time.sleep(FREE_S)
        assert asked(moments) == second
        write(other)
        assert asked(moments) != second


def test_what_was_answered_while_somebody_committed_is_not_kept(moments: Moments, other: psycopg.Connection) -> None:
    def written() -> int:
        write(other)
        return next(NUMBERS)

    assert moments.remembered("how many", written) != moments.remembered("how many", lambda: next(NUMBERS))


def test_a_session_that_the_server_ended_is_opened_again(moments: Moments, other: psycopg.Connection) -> None:
    first = asked(moments)
    time.sleep(FREE_S)
    assert other.execute(END, ["%pg_current_snapshot%"]).fetchall() == [(True,)]
    assert asked(moments) == first


def test_a_transaction_stays_announced_when_the_announcing_session_ends(
    server: Server, other: psycopg.Connection
) -> None:
    announcement = Announcement(server)
    with server.owning() as connection:
        announcement.stand(connection)
        assert other.execute(END, ["select pg_advisory_lock_shared%"]).fetchall() == [(True,)]
        assert look(other)[1] is False
        announcement.stand(connection)
    assert look(other)[1] is False
    announcement.withdraw()
    deadline = time.monotonic() + 10
    while not look(other)[1]:
        assert time.monotonic() < deadline


def test_a_server_that_ends_an_announcement_on_its_way_is_away(server: Server, other: psycopg.Connection) -> None:
    other.execute("select pg_advisory_lock(%s)", [ANNOUNCED])
    with ThreadPoolExecutor() as pool:
        begun = pool.submit(Announcement(server).begin)
        while other.execute(END, ["select pg_advisory_lock_shared%"]).fetchall() != [(True,)]:
            assert not begun.done()
        with pytest.raises(Unreachable, match="ended the session"):
            begun.result()


def test_no_answer_is_older_than_its_question_however_often_is_written(moments: Moments, server: Server) -> None:
    written, looks = [0], []
    ends_at = time.monotonic() + 3

    def writes() -> None:
        while time.monotonic() < ends_at:
            with announced(server) as connection:
                write(connection)
            written[0] += 1

    def number() -> int:
        looks.append(time.monotonic())
        with psycopg.connect(server.url) as connection:
            (n,) = connection.execute("select n from t").fetchone() or (-1,)
        return int(n)

    def reads() -> int:
        answers = 0
        while time.monotonic() < ends_at:
            before = written[0]
            assert moments.remembered("n", number) >= before
            answers += 1
        return answers

    with ThreadPoolExecutor() as pool:
        writing, reading = pool.submit(writes), [pool.submit(reads) for _ in range(2)]
        writing.result()
        answers = sum(one.result() for one in reading)
    assert written[0] > 10
    assert answers > 10 * len(looks)
