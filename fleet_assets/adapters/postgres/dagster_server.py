"""The server of Dagster's own storage, by the address that Dagster reads: SQLAlchemy's, with the driver in it.

Belongs here: reading that address. Does not belong here: connecting (`connection`), which file or variable states it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.contracts.errors import SettingError


@dataclass(frozen=True)
class DagsterServer(Server):
    """A PostgreSQL database by SQLAlchemy's URL; `stated_by` names where it stands, for people."""

    stated_by: str = "DAGSTER_PG_URL"

    @cached_property
    def parts(self) -> dict[str, str]:
        """The parts of the address; raises SettingError, which does not repeat it (it may hold a password)."""
        try:
            url = sa.make_url(self.url)
            query = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
            named = {
                "host": url.host, "port": url.port, "user": url.username, "password": url.password,
                "dbname": url.database,
            } | query  # fmt: skip
            parts = {name: str(value) for name, value in named.items() if value is not None}
            make_conninfo(**parts)
        except (sa.exc.ArgumentError, ValueError, psycopg.Error):
            raise SettingError(
                f"{self.stated_by} is not an address such as postgresql+psycopg2://user:password@host:5432/dagster"
            ) from None
        return parts


def url_of(parts: dict[str, str], query: dict[str, str]) -> str:
    """The URL of an address that is stated in parts, by the names of Dagster's `postgres_db`; raises SettingError."""
    if not parts.get("port", "0").isdecimal():
        raise SettingError(f"postgres_db of Dagster's storage: port {parts['port']} is no number")
    url = sa.URL.create(
        "postgresql+psycopg2", username=parts.get("username"), password=parts.get("password"),
        host=parts.get("hostname"), port=int(parts.get("port", 5432)), database=parts.get("db_name"), query=query,
    )  # fmt: skip
    return url.render_as_string(hide_password=False)
