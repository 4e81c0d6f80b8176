"""What clock and calendar show where a vehicle is at home, at instants.

Belongs here: zone lookup and conversion. Does not belong here: partitions (they are UTC days), parts of a day in which
something holds (`daily_windows`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from zoneinfo import available_timezones

import polars as pl

from fleet_assets.contracts.errors import DataError

_NOWHERE = {"Factory", "localtime"}
"""Names of files beside those of the zones: the clock of no place, or of the machine."""


@cache
def known_zones() -> frozenset[str]:
    """The IANA zones of this machine; looked up once a process, because that reads a thousand files."""
    return frozenset(available_timezones() - _NOWHERE)


def with_local_date(
    events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str = "started_at"
) -> pl.DataFrame:
    """The events with `local_date`, the day of `instant` where the vehicle is at home.

    A vehicle without a zone, or that `vehicles` does not know, gets `default_zone`. Raises DataError for a name that is
    no IANA zone.
    """
    return _with_local(events, vehicles, default_zone, instant, _date, "local_date")


def with_local_hour(events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str) -> pl.DataFrame:
    """The events with `local_hour` (0 to 23) of the clock at `instant`; zones as for `with_local_date`."""
    return _with_local(events, vehicles, default_zone, instant, _hour, "local_hour")


def with_local_clock(events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str) -> pl.DataFrame:
    """The events with `local_us`, what the clock of the vehicle shows at `instant`, in microseconds of the day; zones
    as for `with_local_date`."""
    return _with_local(events, vehicles, default_zone, instant, _microseconds, "local_us")


def _with_local(
    events: pl.DataFrame, vehicles: pl.DataFrame, default_zone: str, instant: str,
    reading: Callable[[pl.Expr], pl.Expr], name: str,
) -> pl.DataFrame:  # fmt: skip
    """The events with what `reading` makes of the local instant, under `name`."""
    zones = vehicles.select("vehicle_id", pl.col("timezone").alias("_zone")).unique("vehicle_id", keep="first")
    located = events.join(zones, on="vehicle_id", how="left", maintain_order="left").with_columns(
        pl.col("_zone").fill_null(default_zone)
    )
    found = reading(pl.lit(None, dtype=pl.Datetime("us")))
    for zone in sorted(located["_zone"].unique()):
        if zone not in known_zones():
            raise DataError(f"{zone!r} is not an IANA time zone such as Europe/Madrid")
        local = reading(pl.col(instant).dt.convert_time_zone(zone))
        found = pl.when(pl.col("_zone") == zone).then(local).otherwise(found)
    return located.with_columns(found.alias(name)).drop("_zone")


def _date(local: pl.Expr) -> pl.Expr:
    return local.dt.date()


def _hour(local: pl.Expr) -> pl.Expr:
    return local.dt.hour().cast(pl.Int64)


def _microseconds(local: pl.Expr) -> pl.Expr:
    seconds = local.dt.hour().cast(pl.Int64) * 3600 + local.dt.minute().cast(pl.Int64) * 60 + local.dt.second()
    return seconds * 1_000_000 + local.dt.microsecond()
