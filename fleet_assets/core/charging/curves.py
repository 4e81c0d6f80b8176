"""Charging curves: power and charge over the time of a charge, in few points.

Belongs here: making points by the minute, and thinning those of a session. Does not belong here: energies.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.core.arithmetic import quotient, seconds_of, sum_in_order
from fleet_assets.core.charging.states import Signals
from fleet_assets.core.compiled import F64, I64, Mask, kernel
from fleet_assets.core.thresholds import MICROS

_MINUTE = 60_000_000


def minute_curves(signals: Signals, first: I64, last: I64, wanted: Mask) -> pl.Series:
    """Per stretch its means by the minute as JSON, [s since its first row, kW, state of charge]; null for others."""
    points = _minutes(signals, first, last, wanted)
    frame = pl.DataFrame(points, schema=["stretch", "second", "kw", "soc"], nan_to_null=True)
    texts = _as_json(frame.with_columns(pl.col("stretch").cast(pl.Int64)), "stretch")
    every = pl.DataFrame({"stretch": pl.int_range(len(first), eager=True, dtype=pl.Int64)})
    return every.join(texts, on="stretch", how="left", maintain_order="left")["curve"]


def session_curves(periods: pl.DataFrame, count: int) -> pl.DataFrame:
    """Curves (`session`, `curve` as JSON of at most `count` points) from the periods of each session.

    `periods` holds `session`, `began` and `until` (of the session), `started_at` and `curve` of the period. Where there
    are more points than `count`, each is the mean of its share of the session's time, with the last charge in it.
    """
    told = periods.drop_nulls("curve").with_columns(pl.col("curve").str.json_decode(pl.List(pl.List(pl.Float64))))
    if told.is_empty():
        return pl.DataFrame(schema={"session": pl.Int64, "curve": pl.String})
    each = told.explode("curve").select(
        "session",
        (seconds_of(pl.col("started_at") - pl.col("began")) + pl.col("curve").list.get(0)).alias("second"),
        pl.col("curve").list.get(1).alias("kw"), pl.col("curve").list.get(2).alias("soc"),
        seconds_of(pl.col("until") - pl.col("began")).alias("length"),
    )  # fmt: skip
    width = pl.max_horizontal(pl.col("length") * (1 / count), pl.lit(1e-6))
    part = quotient(pl.col("second"), width).floor().clip(0, count - 1)
    ordered = each.with_columns(part.alias("part")).sort("session", "second", maintain_order=True)
    thinned = ordered.group_by("session", "part", maintain_order=True).agg(
        pl.col("second").first().clip(0), sum_in_order(pl.col("kw")), pl.col("kw").count().alias("count"),
        pl.col("soc").drop_nulls().last(),
    ).with_columns(quotient(pl.col("kw"), pl.col("count")).alias("kw"))  # fmt: skip
    return _as_json(thinned, "session")


def _as_json(points: pl.DataFrame, owner: str) -> pl.DataFrame:
    """The points of each owner, in the order of the rows, as one JSON text."""
    cells = [pl.col(name).round(2).cast(pl.String).fill_null("null") for name in ("second", "kw", "soc")]
    text = pl.concat_str([pl.lit("["), pl.concat_str(cells, separator=","), pl.lit("]")]).alias("curve")
    joined = points.select(owner, text).group_by(owner, maintain_order=True).agg(pl.col("curve").str.join(","))
    return joined.with_columns(pl.concat_str([pl.lit("["), "curve", pl.lit("]")]).alias("curve"))


@kernel
def _minutes(s: Signals, first: I64, last: I64, wanted: Mask) -> F64:
    """Per minute of a wanted stretch with readings: stretch, second of its first reading, mean power, last charge."""
    size = 0
    for k in range(len(first)):
        size += (s.at[last[k]] - s.at[first[k]]) // _MINUTE + 1 if wanted[k] else 0
    table = np.full((size, 4), np.nan)
    row = 0
    for k in range(len(first)):
        if not wanted[k]:
            continue
        minute, count, total, begins, soc = -1, 0, 0.0, 0.0, np.nan
        for i in range(first[k], last[k] + 1):
            this = (s.at[i] - s.at[first[k]]) // _MINUTE
            if this != minute and count > 0:
                table[row, 0], table[row, 1], table[row, 2], table[row, 3] = k, begins, total / count, soc
                row += 1
                count, total = 0, 0.0
            minute = this
            soc = s.soc[i] if not np.isnan(s.soc[i]) else soc
            power = s.ac_kw[i] if not np.isnan(s.ac_kw[i]) else s.battery_kw[i]
            if not np.isnan(power):
                begins = begins if count > 0 else (s.at[i] - s.at[first[k]]) / MICROS
                count += 1
                total += power
        if count > 0:
            table[row, 0], table[row, 1], table[row, 2], table[row, 3] = k, begins, total / count, soc
            row += 1
    return table[:row].copy()
