"""Daily windows: the part of a local day in which something holds, as HH:MM to HH:MM, also across midnight.

Belongs here: what such a window covers. Does not belong here: what holds in it (`prices`) and zones (`local_time`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d$"
"""A time of day as people write it in `daily_from` and `daily_to`."""

_MIDNIGHT, _DAY = pl.lit(0, dtype=pl.Int64), pl.lit(24 * 60, dtype=pl.Int64)


def daily_windows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `from_min` and `to_min`, minutes of the local day, instead of `daily_from` and `daily_to`.

    A row without a window covers the whole day. One that runs over midnight becomes two rows, one on either side.
    """
    start, end = _minute("daily_from").fill_null(0), _minute("daily_to").fill_null(_DAY)
    wraps = end <= start
    first = pl.struct(start.alias("from_min"), pl.when(wraps).then(_DAY).otherwise(end).alias("to_min"))
    second = pl.struct(_MIDNIGHT.alias("from_min"), pl.when(wraps).then(end).otherwise(_MIDNIGHT).alias("to_min"))
    parts = rows.with_columns(pl.concat_list(first, second).alias("part")).explode("part").unnest("part")
    return parts.filter(pl.col("to_min") > pl.col("from_min")).drop("daily_from", "daily_to")


def by_segment(rows: pl.DataFrame, owner: Sequence[str]) -> pl.DataFrame:
    """The rows once for each `segment` of the day that they cover; two windows overlap where they share one.

    The segments of an owner lie between the neighbouring ends of all its windows.
    """
    windows = daily_windows(rows)
    ends = pl.concat([windows.select(*owner, pl.col(name).alias("segment")) for name in ("from_min", "to_min")])
    pairs = windows.join(ends.unique(), on=list(owner), nulls_equal=True)
    return pairs.filter(pl.col("segment") >= pl.col("from_min"), pl.col("segment") < pl.col("to_min"))


def _minute(name: str) -> pl.Expr:
    hour, minute = (pl.col(name).str.slice(offset, 2).cast(pl.Int64) for offset in (0, 3))
    return hour * 60 + minute
