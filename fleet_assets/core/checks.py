"""What must hold of finished tables, as pure functions from rows to sentences about the rows that break it.

Belongs here: contract ranges and domain rules. Does not belong here: severity, scheduling and display (`defs.checks`).
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
