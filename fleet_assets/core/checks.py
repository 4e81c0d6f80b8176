"""What must hold of finished tables, as pure functions from rows to sentences about the rows that break it.

Belongs here: contract ranges and domain rules. Does not belong here: severity and days (`pipeline.day_rules`), and
display (`defs.checks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.contracts import Column, Table

EXAMPLES = 3


@dataclass(frozen=True)
class AgreementRules:
    """When a trip's distance contradicts its odometer.

    `tolerance_share` and `tolerance_km`: odometers are calibrated to a few per cent and count in steps of up to 1 km
    at either end (SAE J1976 allows +-4 %).
    """

    tolerance_share: float = 0.04
    tolerance_km: float = 2.0


def contract_sentences(table: Table, rows: pl.LazyFrame) -> list[str]:
    """One sentence per column whose values leave the contract's range or list of values."""
    broken = [(column, expr) for column in table.columns if (expr := _outside(column)) is not None]
    if not broken:
        return []
    counts = rows.select(expr.sum().alias(column.name) for column, expr in broken).collect().row(0, named=True)
    return [f"{counts[column.name]} rows with {_allowed(column)}" for column, _ in broken if counts[column.name]]


def _outside(column: Column) -> pl.Expr | None:
    value = pl.col(column.name)
    if column.values:
        return ~value.is_in(column.values)
    parts = []
    if column.low is not None:
        parts.append(value < column.low)
    if column.high is not None:
        parts.append(value > column.high)
    return pl.any_horizontal(parts) if parts else None


def _allowed(column: Column) -> str:
    if column.values:
        return f"{column.name} not one of {', '.join(column.values)}"
    low = "-inf" if column.low is None else f"{column.low:g}"
    high = "inf" if column.high is None else f"{column.high:g}"
    return f"{column.name} outside {low}..{high} {column.unit}".rstrip()


def overlap_sentences(events: pl.LazyFrame) -> list[str]:
    """Events of one vehicle that begin before the one before them has ended."""
    ordered = events.sort("vehicle_id", "started_at")
    before = pl.col("ended_at").shift(1).over("vehicle_id")
    found = ordered.filter(pl.col("started_at") < before).select("vehicle_id", "started_at").collect()
    return [
        f"{vehicle}: the one of {start} begins before the previous one ended" for vehicle, start in found.iter_rows()
    ]


def odometer_sentences(trips: pl.LazyFrame, rules: AgreementRules = AgreementRules()) -> list[str]:
    """Trips whose distance and odometer readings differ by more than an odometer's own error."""
    driven = pl.col("end_odometer_km") - pl.col("start_odometer_km")
    allowed = rules.tolerance_km + rules.tolerance_share * driven
    off = (
        trips.with_columns(driven.alias("driven"))
        .filter((pl.col("distance_km") - pl.col("driven")).abs() > allowed)
        .select("vehicle_id", "started_at", "distance_km", "driven", "distance_source")
        .collect()
    )
    return [
        f"{vehicle} {started}: {distance:.2f} km by {source}, {driven_km:.2f} km on the odometer"
        for vehicle, started, distance, driven_km, source in off.iter_rows()
    ]


def position_sentences(telemetry: pl.LazyFrame) -> list[str]:
    """Rows in which only one of latitude and longitude is known: a fix has both."""
    half = pl.col("latitude_deg").is_null() != pl.col("longitude_deg").is_null()
    found = telemetry.filter(half).select(pl.len()).collect().item()
    return [f"{found} rows with only one of latitude and longitude"] if found else []


_SAME = 1e-6
"""Relative difference of two sums that are one: floating point."""


def speed_sentences(trips: pl.LazyFrame) -> list[str]:
    """Trips whose mean speed is above their highest."""
    above = pl.col("avg_speed_kmh") > pl.col("max_speed_kmh") * (1 + _SAME)
    found = trips.filter(above).select("vehicle_id", "started_at", "avg_speed_kmh", "max_speed_kmh").collect()
    return [
        f"{vehicle} {started}: {mean:.1f} km/h on average, {highest:.1f} km/h at most"
        for vehicle, started, mean, highest in found.iter_rows()
    ]


def duration_sentences(trips: pl.LazyFrame) -> list[str]:
    """Trips whose moving, standing and unknown times are not their duration, or which idle longer than they stand."""
    parts = pl.sum_horizontal("moving_s", "standing_s", "unknown_s")
    off = (parts - pl.col("duration_s")).abs() > 0.001 + _SAME * pl.col("duration_s")
    longer = pl.col("idle_s") > pl.col("standing_s") + 0.001
    found = trips.filter(off | longer.fill_null(value=False)).select("vehicle_id", "started_at").collect()
    return [f"{vehicle} {started}: its times are not those of its duration" for vehicle, started in found.iter_rows()]


def accounted_sentences(trips: pl.LazyFrame, rules: AgreementRules = AgreementRules()) -> list[str]:
    """Vehicles whose trips and unobserved drives of the rows are not the difference of their odometer's readings."""
    first, last = pl.col("start_odometer_km").min(), pl.col("end_odometer_km").max()
    sums = trips.group_by("vehicle_id").agg(
        pl.col("distance_km").sum(), (last - first).alias("driven"), pl.col("distance_error_km").sum(),
        (pl.col("start_odometer_km").is_not_null() & pl.col("end_odometer_km").is_not_null()).all().alias("is_read"),
    )  # fmt: skip
    allowed = rules.tolerance_km + rules.tolerance_share * pl.col("driven") + pl.col("distance_error_km").fill_null(0)
    off = sums.filter(pl.col("is_read") & ((pl.col("distance_km") - pl.col("driven")).abs() > allowed)).sort(
        "vehicle_id"
    )
    return [
        f"{vehicle}: {told:.1f} km in trips and unobserved drives, {driven:.1f} km on the odometer"
        for vehicle, told, driven in off.select("vehicle_id", "distance_km", "driven").collect().iter_rows()
    ]


_VOLUME_KINDS = ("refuel", "theft", "unobserved_change")


def fuel_overlap_sentences(events: pl.LazyFrame) -> list[str]:
    """Refuels, thefts and unobserved changes of one vehicle that overlap: litres would count twice."""
    return overlap_sentences(events.filter(pl.col("kind").is_in(_VOLUME_KINDS)))


def overfull_sentences(events: pl.LazyFrame) -> list[str]:
    """Refuels after which more than a full tank would be in it, beyond their own uncertainty."""
    after = pl.col("level_before_pct") + pl.col("change_pct")
    over = (pl.col("kind") == "refuel") & (after > 100 + 4.5 * pl.col("change_sd_pct") + 5)
    found = events.filter(over).select("vehicle_id", "started_at", after.alias("after")).collect()
    return [
        f"{vehicle} {started}: {pct:.0f} % in the tank after a refuel" for vehicle, started, pct in found.iter_rows()
    ]


def closing_sentences(balance: pl.LazyFrame) -> list[str]:
    """Vehicles whose changes between neighbouring plateaus do not add up to the difference of first and last level."""
    ordered = balance.sort("vehicle_id", "ended_at").filter(pl.col("change_l").is_not_null())
    is_chained = pl.col("before_started_at") == pl.col("ended_at").shift(1)
    chain = (~is_chained.fill_null(value=False)).cum_sum().over("vehicle_id").alias("chain")
    sums = ordered.with_columns(chain).group_by("vehicle_id", "chain").agg(
        pl.col("change_l").sum().alias("changes"),
        (pl.col("volume_after_l").last() - pl.col("volume_before_l").first()).alias("difference"),
    )  # fmt: skip
    off = sums.filter((pl.col("changes") - pl.col("difference")).abs() > 0.01).sort("vehicle_id", "chain")
    return [
        f"{vehicle}: changes of {changes:.1f} l, levels that differ by {difference:.1f} l"
        for vehicle, changes, difference in off.select("vehicle_id", "changes", "difference").collect().iter_rows()
    ]


def moved_stop_sentences(stops: pl.LazyFrame, rules: AgreementRules = AgreementRules()) -> list[str]:
    """Stops in which the odometer moved by more than its steps at either end: a reset, a jump, or a missed drive."""
    found = stops.filter(pl.col("unobserved_km").abs() > rules.tolerance_km)
    return [
        f"{vehicle} {started}: the odometer moved by {km:.1f} km in this stop"
        for vehicle, started, km in found.select("vehicle_id", "started_at", "unobserved_km").collect().iter_rows()
    ]
