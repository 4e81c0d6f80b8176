"""The bound: what any detector could find at a number of false alarms, by the noise of levels alone.

Belongs here: that chance, from the simulator's volume over noise. Does not belong here: what detectors find.
"""

from __future__ import annotations

from statistics import NormalDist

import polars as pl

ALARMS_A_MONTH = 0.2
"""False alarms a vehicle and month at which the bound is taken."""


def with_bound(thefts: pl.DataFrame, trips: pl.DataFrame, vehicles: pl.DataFrame, months: float) -> pl.DataFrame:
    """Thefts with `bound`: the chance that a normal variable around the theft's `snr` exceeds the threshold at which
    the stays of vehicles with its sender, as many as their trips, give ALARMS_A_MONTH false alarms.

    A detector would have to know litres burned and both levels as well as the sender allows. `months`: of each vehicle.
    """
    counts = vehicles.group_by("sender").agg((pl.len() * months).alias("months"))
    stays = trips.join(vehicles.select("vehicle_id", "sender"), on="vehicle_id").group_by("sender").len("stays")
    looks = stays.join(counts, on="sender").select("sender", (pl.col("stays") / pl.col("months")).alias("_looks"))
    normal = NormalDist()

    def chance(row: dict[str, float]) -> float:
        return normal.cdf(row["snr"] - normal.inv_cdf(1 - ALARMS_A_MONTH / row["_looks"]))

    asked = thefts.join(looks, on="sender", how="left", maintain_order="left")
    told = pl.struct("snr", "_looks").map_elements(chance, pl.Float64)
    return asked.with_columns(pl.when(pl.col("_looks") > ALARMS_A_MONTH).then(told).alias("bound")).drop("_looks")
