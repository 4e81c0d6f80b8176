"""What a log file holds that gives no frame: each piece with its place, for the quarantine.

Belongs here: the reasons, and the shape in which readers tell. Does not belong here: reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from fleet_assets.adapters.quarantine import Reason

NO_FRAME = Reason("no-frame", "no frame can be read from the line, and it is no header, comment or event")
TORN = Reason("torn-line", "the file ends within this line; if it is whole, put a line end behind it")
REQUEST = Reason("transmit-request", "a request to send: the frame itself, if it was sent, has a line of its own")
DAMAGED = Reason("damaged", "a part of the file cannot be read; each row says where and what")


@dataclass(frozen=True)
class Unread:
    """Pieces of one file, in its order: `place` (such as `line 12`) and `line` (the text, or what was found there)."""

    reason: Reason
    rows: pl.DataFrame

    @classmethod
    def of(cls, reason: Reason, places: list[str], lines: list[str]) -> Unread:
        return cls(reason, pl.DataFrame({"place": places, "line": lines}, schema=SCHEMA))


SCHEMA = pl.Schema({"place": pl.String(), "line": pl.String()})

Skipped = Callable[[Unread], None]
"""Called with what gave no frame, before the frames that follow it."""
