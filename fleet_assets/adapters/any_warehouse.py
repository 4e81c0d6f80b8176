"""What every warehouse can do, and which one an address names.

Belongs here: the promise that builds, queries and the marts rely on. Does not belong here: how it is kept
(`warehouse` on DuckDB, `postgres.warehouse` on PostgreSQL).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import polars as pl


class Queryable(Protocol):
    """What answers questions, and says from what."""

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of one SELECT over marts and lake tables by their bare names; instants are UTC."""

    def origin(self, sql: str) -> str | None:
        """Names what the rows of a SELECT would be made from now, without reading it: equal names, equal rows.

        Nothing ("") while nobody can say, since it was just written; None where the rows may depend on more than what
        builds publish, such as the clock, as far as can be told without an answer.
        """

    def query_with_origin(self, sql: str) -> tuple[pl.DataFrame, str | None]:
        """The rows, and what they were made from; None where they depend on more. It is certain only if `origin` gave
        the same before."""


class Warehouse(Queryable, Protocol):
    """Where dbt builds the marts and people read them; readers see whole publications only."""

    @property
    def kind(self) -> str:
        """`duckdb` or `postgres`: the dbt target, and what Dagster calls it."""

    @property
    def location(self) -> str:
        """Where it is, for people: no secrets."""

    @property
    def is_published(self) -> bool:
        """Whether marts were ever published."""

    @property
    def published_at(self) -> datetime | None:
        """When marts were last published; None before, and where nobody can say."""

    def damage(self, *, deep: bool = False) -> str:
        """Why what was published cannot be read, as far as a look tells (`deep`: at all of it); else nothing."""

    def dbt_environment(self, *, parsing: bool = False) -> dict[str, str]:
        """What dbt's profile reads from the environment of its process; `parsing` must do without the server."""

    def building(self, anew: Collection[str] = ()) -> AbstractContextManager[object]:
        """Have the private place of a build for oneself; a second build waits its turn.

        It starts from what is published; models named in `anew` will be made without looking at their former rows.
        """

    def settle(self) -> bool:
        """Have what was published read the lake of this installation, which may have been moved; whether it did not."""

    def publish(self, tell: Callable[[str], object] = lambda _: None) -> object:
        """Show what was built to readers, all of it in one step; within `building()`. `tell` hears sentences for
        whoever watches."""

    def lost(self, models: Iterable[str]) -> list[str]:
        """Those of some models made before that the private place does not hold, so that they must be made again
        although they did not change; within `building()`."""

    def row_counts(self) -> dict[str, int]:
        """Rows of every mart in the private place; within `building()`, when dbt has ended."""

    def built_from(self) -> dict[str, str]:
        """The inputs that each published model was built from, by model name, as told to `note_inputs`."""

    def note_inputs(self, notes: Mapping[str, str]) -> None:
        """Remember what each of these models was built from; "" while nobody can say."""
