"""Whether a row's instant can be right, by what is known when it arrives and never changes.

Belongs here: the verdict on single rows. Does not belong here: what becomes of them (quarantine), lags
(`core.ingest`).

Only the row, the instant of its arrival and fixed knowledge are asked, so that the verdict is the same in whatever
order rows arrive (decision 0031). A clock that is hours behind cannot be told from an upload that is hours late: its
rows land, and the lag of the day shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl


@dataclass(frozen=True)
class ClockRules:
    """When an instant cannot be right."""

    ahead: timedelta = timedelta(minutes=15)
    """Nothing is observed so long after it arrived: clocks drift by seconds a day; zones differ by 15 min or more."""
    behind: timedelta = timedelta(weeks=1024) - timedelta(minutes=15)
    """Receivers that count 1 024 weeks (19.6 years, IS-GPS-200) fall back by these and the delay of the upload."""
    resets: tuple[datetime, ...] = (
        datetime(1970, 1, 1, tzinfo=UTC), datetime(1980, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    """Where clocks begin that lost their battery: Unix time, FAT and GPS time (1980-01-06), clock chips."""
    counts_on: timedelta = timedelta(days=31)
    """How long such a clock may count on until somebody sets it."""


def is_clock_wrong(recorded: str, arrived: pl.Expr, rules: ClockRules | None = None) -> pl.Expr:
    """Whether the instant in column `recorded` cannot be right, given when each row arrived."""
    rules = rules or ClockRules()
    at = pl.col(recorded)
    after_reset = [(at >= reset) & (at < reset + rules.counts_on) for reset in rules.resets]
    return (at > arrived + rules.ahead) | (at < arrived - rules.behind) | pl.any_horizontal(after_reset)
