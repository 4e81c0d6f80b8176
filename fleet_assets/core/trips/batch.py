"""Batches of trips: what every measure of trips looks at.

Belongs here: the trips of a track with the rows around them and their vehicles. Does not belong here: any measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from fleet_assets.contracts.events import TRIPS
from fleet_assets.core.compiled import F64, I64, Mask, kernel
from fleet_assets.core.integrals import Stretches
from fleet_assets.core.points import Points
from fleet_assets.core.track import Track
from fleet_assets.core.trips.edges import Edges

MEASURED = tuple(name for name in TRIPS.schema if name not in ("trip_id", "driver_id", "local_date", "rules_version"))
"""Columns of TRIPS that come from telemetry and the vehicle alone."""

TELEMETRY_USED = (
    "speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg", "altitude_m", "odometer_km", "is_ignition_on",
    "engine_speed_rpm", "ambient_temp_c", "fuel_level_pct", "fuel_rate_lph", "fuel_used_total_l", "soc_pct",
    "hv_power_kw", "hv_voltage_v", "hv_current_a", "hv_capacity_kwh",
)  # fmt: skip
"""Telemetry columns that a trip is made of."""


@dataclass(frozen=True)
class TripBatch:
    """Trips of a track: their rows, the rows around them, whether their own speed is not believed, and the vehicle of
    each."""

    track: Track
    trips: Stretches
    edges: Edges
    is_stuck: Mask
    vehicles: pl.DataFrame

    @cached_property
    def around(self) -> Stretches:
        return self.edges.around(self.trips)

    @cached_property
    def duration_s(self) -> F64:
        return self.trips.duration_s(self.track.at) + self.edges.moved_s

    @cached_property
    def fastest_kmh(self) -> F64:
        """Highest speed seen: the vehicle's own, else the receiver's."""
        speed, gps = (_maxima(self.column(n), self.trips) for n in ("speed_kmh", "gps_speed_kmh"))
        return np.where(np.isnan(speed), gps, speed)

    def column(self, name: str) -> F64:
        return self.track.column(name)

    def vehicle_numbers(self, column: str) -> F64:
        """A numeric column of each trip's vehicle (NaN: not known)."""
        return self.vehicles[column].cast(pl.Float64).to_numpy()


def vehicles_of(points: Points, rows: I64, fleet: pl.DataFrame) -> pl.DataFrame:
    """Per row of the points what the fleet states of its vehicle."""
    known = fleet.select("vehicle_id", "powertrain", "battery_capacity_kwh")
    per_trip = pl.DataFrame({"vehicle_id": points.vehicle_ids.gather(points.vehicle[rows])})
    return per_trip.join(known.unique("vehicle_id", keep="first"), on="vehicle_id", how="left", maintain_order="left")


def in_words(codes: I64, words: tuple[str, ...]) -> pl.Series:
    """Codes as the words they are indices of; null for any other."""
    return pl.Series(codes).replace_strict(range(len(words)), words, default=None, return_dtype=pl.String)


def _maxima(values: F64, trips: Stretches) -> F64:
    if not len(values):
        return np.full(len(trips), np.nan)
    return _max_within(values, trips.first, trips.last)


@kernel
def _max_within(values: F64, first: I64, last: I64) -> F64:
    maxima = np.full(len(first), np.nan)
    for k in range(len(first)):
        for i in range(first[k], last[k] + 1):
            if not values[i] <= maxima[k] and not np.isnan(values[i]):
                maxima[k] = values[i]
    return maxima
