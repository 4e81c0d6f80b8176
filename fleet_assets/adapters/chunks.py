"""What a reader of dropped files gives: chunks of rows to land, and of rows to set aside.

Belongs here: that shape. Does not belong here: formats, landing.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.adapters.quarantine import Reason

CHUNK_ROWS = 200_000
"""Rows that a reader gives at once: more need more memory, fewer more time."""


@dataclass(frozen=True)
class Chunk:
    """Rows to land (without entry_id), and rows set aside. `folder` is that of the raw table whose rows they are; the
    first one of the source where none is named."""

    rows: pl.DataFrame
    rejected: list[tuple[Reason, pl.DataFrame]]
    folder: str = ""

    @classmethod
    def empty(cls, folder: str = "") -> Chunk:
        return cls(pl.DataFrame(), [], folder)

    @property
    def count(self) -> int:
        """All rows, also those set aside."""
        return self.rows.height + sum(rows.height for _, rows in self.rejected)

    def with_more(self, more: Chunk) -> Chunk:
        """Both, one after the other; rows set aside for the same reason are joined."""
        filled = [chunk.rows for chunk in (self, more) if chunk.rows.height]
        rows = pl.concat(filled) if filled else more.rows
        reasons = dict.fromkeys(reason for reason, _ in self.rejected + more.rejected)
        joined = [
            (reason, pl.concat([rows for other, rows in self.rejected + more.rejected if other == reason]))
            for reason in reasons
        ]
        return Chunk(rows, joined, self.folder)
