"""Gaps: stretches of a source from which rows are known to be missing, as rows of the ledger `ingest_gaps`.

Belongs here: what a gap is, its stable id, gaps as rows. Does not belong here: finding gaps, landing them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl

from fleet_assets.contracts import INGEST_GAPS

SOURCE = "gaps"
"""The source of the landing zone in which gaps land."""


@dataclass(frozen=True)
class Gap:
    """What is missing, between which instants (both included, UTC), and why; the fields are those of the ledger."""

    source: str
    started_at: datetime
    ended_at: datetime
    reason: str
    detail: str
    vehicle_id: str | None = None
    bus: str | None = None
    missing_count: int | None = None
    """Rows; None where nobody can know."""

    @property
    def gap_id(self) -> str:
        """Noted twice by whomever, a gap has one id: it is made of all that is said about it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()[:24]


def gap_rows(gaps: Sequence[Gap], noted_at: datetime) -> pl.DataFrame:
    """One row a gap, in the columns of INGEST_GAPS."""
    rows = [asdict(gap) | {"gap_id": gap.gap_id, "noted_at": noted_at} for gap in gaps]
    return pl.DataFrame(rows, schema=INGEST_GAPS.schema)
