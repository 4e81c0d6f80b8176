"""The bound: what any detector could find at a number of false alarms, by the noise of levels alone.

Belongs here: that chance, from the simulator's volume over noise. Does not belong here: what detectors find.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, kernel, read_only

ALARMS_A_MONTH = 0.2
"""False alarms a vehicle and month at which the bound is taken."""
SLOW_ALARMS_A_MONTH = 0.1
"""The same of losses that take days."""
_RESTS_A_MONTH = 30


def with_bound(thefts: pl.DataFrame, trips: pl.DataFrame, vehicles: pl.DataFrame, months: float) -> pl.DataFrame:
    """Thefts with `bound`: the chance that a normal variable around the theft's `snr` exceeds the threshold at which
    the stays of vehicles with its sender, as many as their trips, give ALARMS_A_MONTH false alarms.

    A detector would have to know litres burned and both levels as well as the sender allows. `months`: of each vehicle.
    """
    counts = vehicles.group_by("sender").agg((pl.len() * months).alias("months"))
    stays = trips.join(vehicles.select("vehicle_id", "sender"), on="vehicle_id").group_by("sender").len("stays")
    looks = stays.join(counts, on="sender").with_columns((pl.col("stays") / pl.col("months")).alias("looks"))
    known = looks.filter(pl.col("looks") > ALARMS_A_MONTH)
    least = [NormalDist().inv_cdf(1 - ALARMS_A_MONTH / count) for count in known["looks"]]
    thresholds = known.select("sender", pl.Series("_least", least, pl.Float64))
    asked = thefts.join(thresholds, on="sender", how="left", maintain_order="left")
    above = asked.select((pl.col("snr") - pl.col("_least")).fill_null(float("nan"))).to_series().to_numpy()
    return asked.with_columns(pl.Series("bound", _chances(read_only(above)), nan_to_null=True)).drop("_least")


def with_slow_bound(series: pl.DataFrame) -> pl.DataFrame:
    """Series of losses with `bound`: the chance that a normal variable around `snr`, what their first nights say
    together, exceeds the threshold at which one sum a night gives SLOW_ALARMS_A_MONTH false alarms."""
    least = NormalDist().inv_cdf(1 - SLOW_ALARMS_A_MONTH / _RESTS_A_MONTH)
    above = series.select((pl.col("snr").cast(pl.Float64) - least).fill_null(float("nan"))).to_series().to_numpy()
    return series.with_columns(pl.Series("bound", _chances(read_only(above)), nan_to_null=True))


@kernel
def _chances(sigmas: F64) -> F64:
    """Chance that a standard normal variable stays below each of them; NaN of NaN."""
    found = np.empty(len(sigmas))
    for k in range(len(sigmas)):
        found[k] = 0.5 * (1.0 + math.erf(sigmas[k] / math.sqrt(2.0)))
    return found
