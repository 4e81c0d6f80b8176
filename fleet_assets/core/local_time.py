"""Local dates of instants, by the zone of each vehicle.

Belongs here: zone lookup and conversion. Does not belong here: partitions (they are UTC days).
"""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import polars as pl

from fleet_assets.contracts.errors import DataError


@cache
def known_zones() -> frozenset[str]:
    """The IANA zones of this machine; looked up once a process, because that reads a thousand files."""
    return frozenset(available_timezones())


def with_local_date(
    events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str = "started_at"
) -> pl.DataFrame:
    """The events with `local_date`, the day of `instant` where the vehicle is at home.

    A vehicle without a zone, or that `vehicles` does not know, gets `default_zone`. Raises DataError for a name that is
    no IANA zone.
    """
    zones = vehicles.select("vehicle_id", pl.col("timezone").alias("_zone")).unique("vehicle_id", keep="first")
    located = events.join(zones, on="vehicle_id", how="left", maintain_order="left").with_columns(
        pl.col("_zone").fill_null(default_zone)
    )
    date = pl.lit(None, dtype=pl.Date)
    for zone in sorted(located["_zone"].unique()):
        _require_zone(zone)
        local = pl.col(instant).dt.convert_time_zone(zone).dt.date()
        date = pl.when(pl.col("_zone") == zone).then(local).otherwise(date)
    return located.with_columns(date.alias("local_date")).drop("_zone")


def _require_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise DataError(f"{zone!r} is not an IANA time zone such as Europe/Madrid") from None
