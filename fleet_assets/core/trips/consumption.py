"""Consumption: distances by drive, and energy and fuel by distance.

Belongs here: ratios of what was measured. Does not belong here: the measuring (`measures`, modules of `core`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_BATTERY_POWERTRAINS = ("phev", "bev", "hev")


@dataclass(frozen=True)
class ConsumptionRules:
    """From which distance a consumption says anything."""

    min_electric_km: float = 0.8
    """km below which kWh per 100 km is null."""
    min_engine_km: float = 1.6
    """km below which l per 100 km is null."""


def with_consumption(trips: pl.DataFrame, rules: ConsumptionRules) -> pl.DataFrame:
    """The trips with distances by drive and the ratios, null where the distance is too short to say anything.

    Besides columns of TRIPS they hold the share of the engine, the powertrain, the energy while the engine was off and
    whether it is exact enough for a ratio (`_share`, `_powertrain`, `_electric_kwh`, `_is_rated`).
    """
    km, share, powertrain = pl.col("distance_km"), pl.col("_share"), pl.col("_powertrain")
    seen = pl.any_horizontal(pl.col("start_soc_pct", "energy_used_kwh").is_not_null())
    has_battery = powertrain.is_in(_BATTERY_POWERTRAINS).fill_null(seen)
    has_no_engine = (powertrain == "bev") | (powertrain.is_null() & has_battery & share.is_null())
    engine_only = ~has_battery & (share.is_not_null() | (powertrain == "ice").fill_null(False))
    engine_km = pl.when(has_no_engine).then(0.0).when(engine_only).then(km).when(has_battery).then(km * share)
    electric_km = pl.when(has_battery).then(km - pl.col("engine_km"))
    # An engine that never drove leaves all the energy to the electric distance, however the energy was measured.
    never_on = pl.col("engine_km") == 0
    electric_kwh = pl.when(has_battery & never_on).then("energy_used_kwh").when(has_battery).then("_electric_kwh")
    net_per_100 = 100 * pl.col("electric_energy_kwh") / pl.col("electric_km")
    moved = pl.when(pl.col("moving_s") > 0).then(km / (pl.col("moving_s") / 3600))
    is_rated = (pl.col("electric_km") >= rules.min_electric_km) & pl.col("_is_rated")
    return (
        trips.with_columns(moved.alias("avg_speed_kmh"), engine_km.alias("engine_km"))
        .with_columns(
            electric_km.alias("electric_km"),
            electric_kwh.alias("electric_energy_kwh"),
            # Where rows are few none may have hit the fastest moment: it was no slower than the mean.
            pl.max_horizontal("max_speed_kmh", "avg_speed_kmh").alias("max_speed_kmh"),
        )
        .with_columns(
            fuel_per_100_km(rules).alias("fuel_l_per_100km"),
            pl.when(is_rated).then(net_per_100).alias("kwh_per_100km"),
        )
    )


def fuel_per_100_km(rules: ConsumptionRules) -> pl.Expr:
    """l per 100 km of the whole trip; null where the engine drove too little to say anything."""
    km = pl.col("distance_km")
    return pl.when(pl.col("engine_km").fill_null(km) >= rules.min_engine_km).then(100 * pl.col("fuel_used_l") / km)
