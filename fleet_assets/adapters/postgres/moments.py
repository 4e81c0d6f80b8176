"""Answers about the database, kept as long as nothing was committed since.

Belongs here: noticing that, by one look that takes a twentieth of a millisecond. Does not belong here: what is asked
(`reading`, `versions`).

A snapshot names the transactions whose work is visible. Two looks at one running server that get the same snapshot see
the same rows, views and functions; reading takes no transaction number, so only writers make another one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

import psycopg
from cachetools import LRUCache

from fleet_assets.adapters.postgres.connection import Server, Unreachable, sentence

KEPT = 1024
"""Answers of one moment."""

# The start of the server is part of it: one that took over from another may count the same numbers again.
MOMENT = "select pg_current_snapshot()::text || ' ' || pg_postmaster_start_time()::text"

Answer = TypeVar("Answer")


class Moments:
    """Remembers answers of the present moment; safe to use from several threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection | None = None
        self._asking, self._keeping = Lock(), Lock()
        self._moment = ""
        self._answers: LRUCache[Hashable, object] = LRUCache(KEPT)

    def remembered(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question, asked again only if anything was committed since it was asked last."""
        before = self.now()
        with self._keeping:
            if self._moment == before and question in self._answers:
                return cast(Answer, self._answers[question])
        answer = ask()
        if self.now() == before:
            self._keep(before, question, answer)
        return answer

    def now(self) -> str:
        """What is visible now; raises ServiceError when the server is away."""
        with self._asking:
            try:
                return self._look()
            except psycopg.OperationalError:
                # The session may have ended long ago, with the server that is back by now.
                self._connection = None
            try:
                return self._look()
            except psycopg.OperationalError as error:
                raise Unreachable(
                    f"PostgreSQL at {self._server.address} ended the session: {sentence(error)}"
                ) from None

    def _look(self) -> str:
        if self._connection is None:
            self._connection = self._server.connect(autocommit=True)
        (moment,) = self._connection.execute(MOMENT, prepare=True).fetchone() or ("",)
        return str(moment)

    def _keep(self, moment: str, question: Hashable, answer: object) -> None:
        with self._keeping:
            if self._moment != moment:
                self._moment = moment
                self._answers.clear()
            self._answers[question] = answer
