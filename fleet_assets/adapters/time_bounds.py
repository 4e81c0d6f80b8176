"""The instants whose rows may land: those that a day partition may hold, of clocks that can be right.

Belongs here: splitting rows by these, with reasons. Does not belong here: the rules for clocks (`core.clocks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from fleet_assets.adapters.quarantine import Reason
from fleet_assets.core.clocks import is_clock_wrong

OLDEST_ARRIVAL = datetime(1990, 1, 1, tzinfo=UTC)

FUTURE_TOLERANCE = timedelta(days=1)
"""How far ahead of our clock rows may be that do not say when they arrived: gaps of the ledger."""

CLOCK = Reason(
    "clock",
    "recorded_at cannot be right: after its arrival, 1 024 weeks before it, or where clocks begin that lost their "
    "battery; say what the clock was behind: `fleet quarantine retry NAME --shift 1024w` (or 3h, -30m, 0 if right)",
)


@dataclass(frozen=True)
class TimeBounds:
    """From the first day partition on, by a clock that can be right; without an arrival to a little after now."""

    start_date: date
    now: datetime
    instant: str = "recorded_at"
    """Column that is judged."""
    trusts_clock: bool = False
    """A person has said how wrong the clock was: rows may be as old as they are, and not ahead of now."""

    def split(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[Reason, pl.DataFrame]]]:
        """Rows inside the bounds, and the others grouped by reason (no empty groups)."""
        start = datetime.combine(self.start_date, time(), UTC)
        masks = frame.select(
            wrong=self._is_clock_wrong(frame).fill_null(value=False), early=pl.col(self.instant) < start,
            late=pl.col(self.instant) > self.now + FUTURE_TOLERANCE,
        )  # fmt: skip
        wrong, early, late = masks.get_columns()
        if not (wrong.any() or early.any() or late.any()):
            return frame, []
        groups = [
            (CLOCK, frame.filter(wrong)),
            (Reason("before-start-date", f"recorded before FLEET_START_DATE={self.start_date}"),
             frame.filter(early & ~wrong)),
            (Reason("in-the-future", "recorded more than a day after it arrived"), frame.filter(late & ~wrong)),
        ]  # fmt: skip
        return frame.filter(~(wrong | early | late)), [(reason, rows) for reason, rows in groups if rows.height]

    def _is_clock_wrong(self, frame: pl.DataFrame) -> pl.Expr:
        now = pl.lit(self.now).cast(frame.schema[self.instant])
        if self.trusts_clock:
            return pl.col(self.instant) > now
        if "received_at" not in frame.columns:
            return pl.lit(value=False)
        # A stated arrival may be wrong itself: nothing arrives after now, and what arrived before there were logs was
        # not timed but counted (ids of stream entries that their writer has chosen).
        stated = pl.when(pl.col("received_at") >= OLDEST_ARRIVAL).then("received_at")
        return is_clock_wrong(self.instant, pl.min_horizontal(stated, now))
