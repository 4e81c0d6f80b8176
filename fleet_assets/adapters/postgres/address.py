"""The address of a database: read into its parts, or refused in a sentence that shows nothing of its password.

Belongs here: what is wrong with an address, as far as its text tells. Does not belong here: connecting (`connection`).
"""

from __future__ import annotations

import re
from difflib import get_close_matches

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from fleet_assets.contracts.errors import SettingError

ENCODED = "write such characters percent-encoded: @ as %40, / as %2F, : as %3A, ? as %3F, % as %25, a space as %20"


def parts_of(url: str) -> dict[str, str]:
    """The parts of a libpq URL; raises SettingError, which repeats no part that may belong to a password."""
    _refuse_raw_characters(url)
    try:
        found = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    except psycopg.Error:
        raise _not_understood(url) from None
    parts = {name: str(value) for name, value in found.items() if value is not None}
    if "," in parts.get("host", ""):
        raise SettingError("FLEET_WAREHOUSE_URL names several hosts; dbt takes one: name that which takes writes")
    if not (parts.get("port") or "5432").isdecimal():
        raise SettingError("FLEET_WAREHOUSE_URL has a port that is no number (postgresql://user:password@host:5432/db)")
    if not parts.get("dbname"):
        raise SettingError("FLEET_WAREHOUSE_URL names no database: postgresql://user:password@host:5432/database")
    return parts


def _refuse_raw_characters(url: str) -> None:
    """An @ or / that stands for itself ends user and password early: what follows would be taken for a host's name."""
    before_options = url.partition("://")[2].partition("?")[0]
    credentials, _, _ = before_options.rpartition("@")
    raw = [character for character in "@/" if character in credentials]
    if re.search(r"%(?![0-9a-fA-F]{2})", url):
        raw.append("%")
    if " " in url.strip():
        raw.append("space")
    if raw:
        what = " and ".join(f"a raw {character}" for character in raw)
        raise SettingError(f"FLEET_WAREHOUSE_URL holds {what} in its user, password or options; {ENCODED}")


def _not_understood(url: str) -> SettingError:
    """Names an option that PostgreSQL has not, unless what looks like options may be the end of a password."""
    options = url.partition("?")[2]
    known = [*(option.keyword.decode() for option in pq.Conninfo.get_defaults()), "ssl"]
    names = [option.partition("=")[0] for option in options.split("&") if "=" in option]
    unknown = [name for name in names if name not in known]
    if not unknown or "@" in options or not re.fullmatch(r"\w+", unknown[0]):
        return SettingError(
            "FLEET_WAREHOUSE_URL is not an address such as postgresql://user:password@host:5432/database; in user and "
            f"password {ENCODED}"
        )
    near = get_close_matches(unknown[0], known, n=1)
    hint = f", only {near[0]}" if near else ""
    return SettingError(f"FLEET_WAREHOUSE_URL sets {unknown[0]}, and PostgreSQL has no option of that name{hint}")
