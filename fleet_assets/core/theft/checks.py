"""What must hold of stored candidates, as sentences about those of which it does not.

Belongs here: relations between columns. Does not belong here: ranges of single columns (`core.checks`), which rule
judges which table (`pipeline.day_rules`).
"""

from __future__ import annotations

import polars as pl


def order_sentences(candidates: pl.LazyFrame) -> list[str]:
    """Candidates that do not begin, end and become final in this order: what is told of one would be from later than
    it says."""
    begins, ends, final = (pl.col(name) for name in ("started_at", "ended_at", "closed_at"))
    found = candidates.filter((begins >= ends) | (ends > final)).select("vehicle_id", "started_at", "kind").collect()
    return [f"{vehicle} {began}: a {kind} candidate is final before its end" for vehicle, began, kind in found.rows()]
