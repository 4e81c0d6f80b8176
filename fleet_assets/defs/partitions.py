"""Day partitions in Dagster: UTC days from FLEET_START_DATE to today, and how far a day reaches back into its inputs.

Belongs here: partition definitions and mappings. Does not belong here: what is computed per partition.
"""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from fleet_assets.contracts.schema import whole_days
from fleet_assets.settings import load_settings

RANGE_TAGS = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)


def day_partitions() -> dg.DailyPartitionsDefinition:
    """The days of this installation."""
    # end_offset=1: today has a partition while it lasts; without it the newest day would only appear tomorrow.
    return dg.DailyPartitionsDefinition(start_date=load_settings().start_date.isoformat(), end_offset=1)


def range_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that make one run materialise the days from `first` to `last`, both included."""
    return dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True))


def reaching_back(look_back: timedelta) -> dg.PartitionMapping:
    """Day D reads the days that [start of D - look_back, end of D) touches."""
    if not look_back:
        return dg.IdentityPartitionMapping()
    return dg.TimeWindowPartitionMapping(
        start_offset=-whole_days(look_back), end_offset=0, allow_nonexistent_upstream_partitions=True
    )


def selected_days(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[date]:
    """The days of the running partition or partition range."""
    span = context.partition_key_range
    return [date.fromisoformat(key) for key in day_partitions().get_partition_keys_in_range(span)]
