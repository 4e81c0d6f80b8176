"""An answer is remembered until something is committed, by whomever, and never after."""

from __future__ import annotations

from itertools import count

import psycopg
import pytest

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.moments import Moments


@pytest.fixture
def moments(postgres_url: str) -> Moments:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("create table t (n int)")
    return Moments(Server(postgres_url))


def asked(moments: Moments) -> list[int]:
    """What two questions in a row are answered; a new question has the next number."""
    return [moments.remembered("how many", lambda: next(NUMBERS)) for _ in range(2)]


NUMBERS = count()


def test_reading_changes_nothing_and_a_commit_of_anybody_does(moments: Moments, postgres_url: str) -> None:
    first = asked(moments)
    with psycopg.connect(postgres_url) as other:
        other.execute("select count(*) from t")
        other.commit()
        assert asked(moments) == first
        other.execute("insert into t values (1)")
        assert asked(moments) == first
        other.commit()
    second = asked(moments)
    assert (first[0], second[0]) == (first[1], second[1])
    assert second != first


def test_what_was_answered_while_somebody_committed_is_not_kept(moments: Moments, postgres_url: str) -> None:
    def write() -> int:
        with psycopg.connect(postgres_url) as other:
            other.execute("insert into t values (1)")
        return next(NUMBERS)

    assert moments.remembered("how many", write) != moments.remembered("how many", lambda: next(NUMBERS))


def test_a_session_that_the_server_ended_is_opened_again(moments: Moments, postgres_url: str) -> None:
    first = asked(moments)
    end = "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_current_snapshot%%'"
    with psycopg.connect(postgres_url, autocommit=True) as other:
        assert other.execute(end).fetchall() == [(True,)]
    assert asked(moments) == first
