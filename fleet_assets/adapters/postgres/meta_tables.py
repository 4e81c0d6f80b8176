"""The books: which lake partition is in the database by which hash, what marts were made from, which lake it is.

Belongs here: reading and writing `fleet_meta`. Does not belong here: acting on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import uuid4

import psycopg

from fleet_assets.adapters.postgres.names import META, statement, table

NO_DAY = date(1, 1, 1)
"""Stands for a table without days where a day is needed: PostgreSQL's own -infinity is no Python date."""

LOADED = table("loaded", META)
MART_INPUTS = table("mart_inputs", META)
FACTS = table("facts", META)

DATA_VERSION = "data_version"
"""Fact that names all that builds have put into the database: a random text, so that a restored copy that goes its own
way never comes upon a version of another one."""


def loaded(connection: psycopg.Connection, name: str) -> dict[date | None, str]:
    """The hash of each loaded partition of one table."""
    asked = statement("select day, content from {t} where table_name = %s", t=LOADED)
    return {None if day == NO_DAY else day: content for day, content in connection.execute(asked, [name]).fetchall()}


def note_loaded(connection: psycopg.Connection, name: str, day: date | None, content: str, rows: int) -> None:
    """In the transaction that loads it, so that both happened or neither."""
    text = (
        "insert into {t} (table_name, day, content, row_count) values (%s, %s, %s, %s) on conflict (table_name, day) "
        "do update set content = excluded.content, row_count = excluded.row_count, loaded_at = now()"
    )
    connection.execute(statement(text, t=LOADED), [name, day or NO_DAY, content, rows])


def row_count(connection: psycopg.Connection, name: str) -> int:
    """Rows of all loaded partitions of one table."""
    asked = statement("select coalesce(sum(row_count), 0)::bigint from {t} where table_name = %s", t=LOADED)
    row = connection.execute(asked, [name]).fetchone()
    return int(row[0]) if row else 0


def forget_loaded(connection: psycopg.Connection, name: str, day: date | None) -> None:
    text = statement("delete from {t} where table_name = %s and day = %s", t=LOADED)
    connection.execute(text, [name, day or NO_DAY])


def mart_inputs(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute(statement("select model, inputs from {t}", t=MART_INPUTS)).fetchall())


def published_at(connection: psycopg.Connection) -> datetime | None:
    """When a model was published last."""
    asked = statement("select max(published_at) from {t} where isfinite(published_at)", t=MART_INPUTS)
    row = connection.execute(asked).fetchone()
    return row[0] if row else None


def note_inputs(connection: psycopg.Connection, notes: Mapping[str, str]) -> None:
    """What models were published from; "" says that nobody knows what they will be, and nothing about a publication."""
    text = (
        "insert into {t} (model, inputs, published_at) "
        "select model, inputs, case when inputs = '' then '-infinity' else now() end "
        "from unnest(%s::text[], %s::text[]) as notes (model, inputs) order by model "
        "on conflict (model) do update set inputs = excluded.inputs, "
        "published_at = greatest({t}.published_at, excluded.published_at)"
    )
    connection.execute(statement(text, t=MART_INPUTS), [[*notes], [*notes.values()]])


def fact(connection: psycopg.Connection, name: str) -> str | None:
    row = connection.execute(statement("select value from {t} where name = %s", t=FACTS), [name]).fetchone()
    return str(row[0]) if row else None


def note_fact(connection: psycopg.Connection, name: str, value: str) -> None:
    text = "insert into {t} (name, value) values (%s, %s) on conflict (name) do update set value = excluded.value"
    connection.execute(statement(text, t=FACTS), [name, value])


def data_version(connection: psycopg.Connection) -> str:
    """The version of what this snapshot sees; nothing before the first."""
    return fact(connection, DATA_VERSION) or ""


def new_version(connection: psycopg.Connection) -> None:
    """Say that this transaction changes answers. Last in it: others who change some wait from here to the commit."""
    note_fact(connection, DATA_VERSION, uuid4().hex)
