"""Answers about the database, kept as long as nothing was committed since.

Belongs here: noticing that, by a look now and then (`announced`). Does not belong here: what is asked (`reading`,
`versions`).

A snapshot names the transactions whose work is visible. Two looks at one running server that get the same snapshot see
the same rows, views and functions; reading takes no transaction number, so only writers make another one. For a short
while after a look at which no commit was announced, its snapshot is also the present one, without another look.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

import psycopg
from cachetools import LRUCache

from fleet_assets.adapters.postgres.announced import FREE_S, look, seconds
from fleet_assets.adapters.postgres.connection import Server

KEPT = 1024
"""Answers of one moment."""

NONE_KEPT = object()

Answer = TypeVar("Answer")


class Moments:
    """Remembers answers of the present moment; safe to use from several threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection | None = None
        self._asking, self._keeping = Lock(), Lock()
        self._moment, self._lasts_until = "", 0.0
        self._answers: LRUCache[Hashable, object] = LRUCache(KEPT)

    def remembered(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question, asked again only if anything was committed since it was asked last."""
        with self._keeping:
            kept = self._answers.get(question, NONE_KEPT)
            if kept is not NONE_KEPT and seconds() < self._lasts_until:
                return cast(Answer, kept)
        before = self.now()
        with self._keeping:
            if self._moment == before and question in self._answers:
                return cast(Answer, self._answers[question])
        answer = ask()
        if self.now() == before:
            with self._keeping:
                if self._moment == before:
                    self._answers[question] = answer
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
                raise self._server.ended(error) from None

    def _look(self) -> str:
        if self._connection is None:
            self._connection = self._server.connect(autocommit=True)
            # Each statement sees what was committed before it, whatever the database's own default is.
            self._connection.execute("set default_transaction_isolation = 'read committed'")
        asked_at = seconds()
        moment, is_free = look(self._connection)
        with self._keeping:
            if self._moment != moment:
                self._moment = moment
                self._answers.clear()
            self._lasts_until = asked_at + FREE_S if is_free else 0.0
        return moment
