"""Day partitions: UTC days from FLEET_START_DATE to today, and how far a day reaches back into its inputs.

Belongs here: partition definitions and mappings. Does not belong here: what is computed per partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from fleet_assets.settings import load_settings

# end_offset=1: today has a partition while it lasts; without it the newest day would only appear tomorrow.
DAYS = dg.DailyPartitionsDefinition(start_date=load_settings().start_date.isoformat(), end_offset=1)

RANGE_TAGS = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)

NEAR_DAYS = 7
"""Stretches of stale days closer than this share a run: a run's own overhead is larger than a few idle days."""


def range_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that make one run materialise the days from `first` to `last`, both included."""
    return dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True))


def spans(days: Iterable[date], gap: int = 1) -> list[tuple[date, date]]:
    """Days as (first, last) of stretches in which neighbours are at most `gap` days apart."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] <= timedelta(days=gap):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def reaching_back(look_back: timedelta) -> dg.PartitionMapping:
    """Day D reads the days that [start of D - look_back, end of D) touches."""
    if not look_back:
        return dg.IdentityPartitionMapping()
    return dg.TimeWindowPartitionMapping(
        start_offset=-reach_days(look_back), end_offset=0, allow_nonexistent_upstream_partitions=True
    )


def reach_days(look_back: timedelta) -> int:
    """How many whole days before its own a day partition reads."""
    return -(-look_back // timedelta(days=1))


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def selected_days(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[date]:
    """The days of the running partition or partition range."""
    span = context.partition_key_range
    return [date.fromisoformat(key) for key in DAYS.get_partition_keys_in_range(span)]
