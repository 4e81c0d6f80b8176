"""What the clock shows where a vehicle is at home, at instants.

Belongs here: times of day. Does not belong here: local dates and the known zones (`local_time`).
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from fleet_assets.contracts.errors import DataError
from fleet_assets.core.local_time import known_zones


def with_local_clock(events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str) -> pl.DataFrame:
    """The events with `local_us`, what the clock of the vehicle shows at `instant`, in microseconds of the day.

    A vehicle without a zone, or that `vehicles` does not know, gets `default_zone`. Raises DataError for a name that is
    no IANA zone.
    """
    return _with_local(events, vehicles, default_zone, instant, _microseconds, "local_us")


def with_local_hour(events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str) -> pl.DataFrame:
    """The events with `local_hour` (0 to 23) of the clock at `instant`; zones as for `with_local_clock`."""
    return _with_local(events, vehicles, default_zone, instant, _hour, "local_hour")


def _with_local(
    events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str,
    reading: Callable[[pl.Expr], pl.Expr], name: str,
) -> pl.DataFrame:  # fmt: skip
    """The events with what `reading` makes of the local instant, under `name`."""
    zones = vehicles.select("vehicle_id", pl.col("timezone").alias("_zone")).unique("vehicle_id", keep="first")
    located = events.join(zones, on="vehicle_id", how="left", maintain_order="left").with_columns(
        pl.col("_zone").fill_null(default_zone)
    )
    found = pl.lit(None, dtype=pl.Int64)
    for zone in sorted(located["_zone"].unique()):
        if zone not in known_zones():
            raise DataError(f"{zone!r} is not an IANA time zone such as Europe/Madrid")
        local = reading(pl.col(instant).dt.convert_time_zone(zone))
        found = pl.when(pl.col("_zone") == zone).then(local).otherwise(found)
    return located.with_columns(found.alias(name)).drop("_zone")


def _microseconds(local: pl.Expr) -> pl.Expr:
    seconds = local.dt.hour().cast(pl.Int64) * 3600 + local.dt.minute().cast(pl.Int64) * 60 + local.dt.second()
    return seconds * 1_000_000 + local.dt.microsecond()


def _hour(local: pl.Expr) -> pl.Expr:
    return local.dt.hour().cast(pl.Int64)
