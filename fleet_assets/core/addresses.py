"""Addresses of services as people may see them: without what opens a door.

Belongs here: taking secrets out of an address, whatever its form. Does not belong here: reading addresses, connecting.
"""

from __future__ import annotations

import re

HIDDEN = "…"


def without_secrets(address: str) -> str:
    """Scheme, user, host, port and path of an address; never a password, nor options (they may hold one).

    What is no address is not shown at all: it may be a password in the wrong place. A user without a password may be
    one (`redis://secret@host`) and is shown only where a colon and a password stand behind it.
    """
    scheme, mark, rest = address.strip().partition("://")
    if not mark or not re.fullmatch(r"[A-Za-z][\w+.-]*", scheme):
        return HIDDEN
    credentials, at, place = _before_options(rest).rpartition("@")
    user, colon, _ = credentials.partition(":")
    shown_user = f"{user}@" if colon and re.fullmatch(r"[\w.-]+", user) else ""
    return f"{scheme}://{shown_user}{place if at else _before_options(rest)}"


def _before_options(rest: str) -> str:
    """Without `?…` and `#…`; a raw ? or # before the last @ is part of a password."""
    head, at, tail = rest.rpartition("@")
    return f"{head}{at}{re.split(r'[?#]', tail, maxsplit=1)[0]}"
