"""Fuel of trips by the level of the tank, where nothing counts it well enough.

Belongs here: which trips are told by levels, and when they are not told at all. Does not belong here: what levels say
of a span (`core.fuel.burned`), counter and rate (`core.fuel_use`).
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from fleet_assets.core.fuel.burned import BurnedRules, burned_by_level
from fleet_assets.core.trips.consumption import fuel_per_100_km
from fleet_assets.core.trips.rules import TripRules


def _within(rules: TripRules) -> BurnedRules:
    """What is compared within trips: stops that end none."""
    steps = replace(rules.by_level.steps, within_s=rules.segmentation.stop_s)
    return replace(rules.by_level, steps=steps)


def with_fuel_by_level(trips: pl.DataFrame, balance: pl.DataFrame, rules: TripRules) -> pl.DataFrame:
    """The trips, those that neither counter nor rate tells well with what the balance of the tank (FUEL_BALANCE of the
    look-back and the day) says: litres, their standard deviation, source and litres per 100 km.

    A trip stays untold where the deviation exceeds `level_most_share` of what the vehicle's usual consumption burns
    on the way. It is not compared with the litres found: that would keep trips that read high and drop those that
    read low, and sums would be too high. Drives that nobody saw stay as they are.
    """
    sd, litres = pl.col("fuel_used_sd_l"), pl.col("fuel_used_l")
    is_poor = litres.is_null() | (sd > rules.fuel.level_most_share * litres)
    asked = trips.filter(is_poor, pl.col("start_reason") != "unobserved")
    if asked.is_empty() or balance.is_empty():
        return trips
    spans = asked.select("vehicle_id", "started_at", "ended_at", "closed_at")
    told = burned_by_level(balance, spans, _within(rules)).filter(
        pl.col("burned_sd_l") <= rules.fuel.level_most_share * pl.col("expected_l"), pl.col("burned_l") >= 0
    )
    levels = told.select("vehicle_id", "started_at", "burned_l", "burned_sd_l")
    both = trips.join(levels, on=["vehicle_id", "started_at"], how="left", maintain_order="left")
    is_closer = pl.col("burned_l").is_not_null() & (litres.is_null() | (pl.col("burned_sd_l") < sd))
    by_level = {
        "fuel_used_l": pl.col("burned_l"),
        "fuel_used_sd_l": pl.col("burned_sd_l"),
        "fuel_source": pl.lit("level"),
    }
    told_by = both.with_columns(is_closer.alias("is_closer")).with_columns(
        pl.when("is_closer").then(value).otherwise(name).alias(name) for name, value in by_level.items()
    )
    ratio = pl.when("is_closer").then(fuel_per_100_km(rules.consumption)).otherwise("fuel_l_per_100km")
    return told_by.with_columns(ratio.alias("fuel_l_per_100km")).select(trips.columns)
