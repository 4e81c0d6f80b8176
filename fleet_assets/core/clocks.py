"""Whether a row's instant can be right, by what is known when it arrives and never changes; and words for whole days.

Belongs here: that judgement of single rows, and the words for days whose clock seems behind. Does not belong here: what
becomes of rows (quarantine), lags (`core.ingest`).

Only the row, the instant of its arrival and fixed knowledge are asked, so that the verdict is the same in whatever
order rows arrive (decision 0031). One row of a clock that is hours behind cannot be told from one that is uploaded
hours late: such rows land, and a day of them is told by its lag (`clock_behind_s` of `ingest_daily`).
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


def behind_sentences(daily: pl.LazyFrame) -> list[str]:
    """A sentence for each of these INGEST_DAILY rows whose clock seems behind."""
    found = daily.filter(pl.col("clock_behind_s").is_not_null()).sort("vehicle_id", "source")
    return [behind_sentence(*row) for row in found.select("vehicle_id", "source", "clock_behind_s").collect().rows()]


def behind_sentence(vehicle_id: str, source: str, seconds: float) -> str:
    """Whose clock it is, and by how much, as `--shift` takes it."""
    return (
        f"{vehicle_id}: all rows from {source} come {_as_shift(seconds)} after their time, one as the other; its clock "
        "is behind, or its zone is written wrongly"
    )


def _as_shift(seconds: float) -> str:
    """A span to the minute, such as 2h, 5h45m or 12d3h."""
    minutes = round(seconds / 60)
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "m"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)
