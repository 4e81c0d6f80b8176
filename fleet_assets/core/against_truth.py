"""What was found beside what is true: which found event is which true one, each at most once.

Belongs here: pairing two tables of events of vehicles. Does not belong here: where they come from, how they are shown.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

PAIRS = pl.Schema({"found": pl.UInt32(), "true": pl.UInt32(), "apart_s": pl.Float64(), "volume_error": pl.Float64()})
"""Row numbers of a found and a true event, s between them (0: they overlap), found minus true volume."""


def pair_events(found: pl.DataFrame, true: pl.DataFrame, tolerance: timedelta) -> pl.DataFrame:
    """One row (PAIRS) per found event that is a true one.

    Both tables have vehicle_id, started_at, ended_at and volume (of one unit; null where unknown). A pair is of one
    vehicle, and at most `tolerance` lies between its two spans. Each event is in one pair at most: the nearest in time
    come together first, then those nearest in volume. Where found events have a `score`, those of the highest choose
    first: so no event below a threshold takes a pair from one above it.
    """
    near = _near(found, true, tolerance)
    pairs = [PAIRS.to_frame()]
    # What is best for both sides is settled; every round settles the best of all that is left.
    while near.height:
        best = near.filter(
            (pl.int_range(pl.len()).over("found") == 0) & (pl.int_range(pl.len()).over("true") == 0)
        )  # fmt: skip
        pairs.append(best.select(PAIRS.names()).cast(PAIRS))
        near = near.join(best, on="found", how="anti", maintain_order="left")
        near = near.join(best, on="true", how="anti", maintain_order="left")
    return pl.concat(pairs).sort("found")


def _near(found: pl.DataFrame, true: pl.DataFrame, tolerance: timedelta) -> pl.DataFrame:
    """All pairs of one vehicle that are near enough, best first."""
    columns = ("vehicle_id", "started_at", "ended_at", "volume")
    score = "score" if "score" in found.columns else pl.lit(0.0).alias("score")
    one = found.select(*columns, score).with_row_index("found")
    other = true.select(pl.col(columns).name.suffix("_true")).with_row_index("true")
    apart = pl.max_horizontal(
        pl.col("started_at_true") - pl.col("ended_at"), pl.col("started_at") - pl.col("ended_at_true"), timedelta(0)
    )
    pairs = one.join_where(
        other,
        pl.col("vehicle_id") == pl.col("vehicle_id_true"),
        pl.col("started_at_true") <= pl.col("ended_at") + tolerance,
        pl.col("ended_at_true") >= pl.col("started_at") - tolerance,
    )
    measured = pairs.with_columns(
        apart_s=apart.dt.total_microseconds() / 1e6, volume_error=pl.col("volume") - pl.col("volume_true")
    )
    order = (-pl.col("score"), "apart_s", pl.col("volume_error").abs(), "found", "true")
    return measured.sort(*order, nulls_last=True)
