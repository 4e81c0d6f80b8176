"""What must hold of charges, as pure functions from rows to sentences about the rows that break it.

Belongs here: rules about charging. Does not belong here: severity and days (`pipeline.day_rules`), rules that other
events have as well (`core.checks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.core.checks import overlap_sentences


@dataclass(frozen=True)
class ChargeAgreementRules:
    """When two witnesses of one charge contradict each other."""

    side_share: float = 0.02
    """Share by which the battery may have taken more than the charger gave: both are measured to about a per cent."""
    side_kwh: float = 0.1
    """kWh more by which it may in any case: of a short charge either is known to no more."""
    least_points: float = 10.0
    """Points of charge from which energy and charge are compared: either end is known to a point."""
    capacity_share: float = 0.25
    """Share by which energy over charge may leave the vehicle's median: capacity changes by a few per cent a year."""


def plug_in_overlap_sentences(plug_ins: pl.LazyFrame) -> list[str]:
    """Plug-ins of one vehicle that begin before the one before them has ended."""
    ends = pl.coalesce("unplugged_at", "ended_at", "plugged_at").alias("ended_at")
    return overlap_sentences(plug_ins.select("vehicle_id", pl.col("plugged_at").alias("started_at"), ends))


def side_sentences(charges: pl.LazyFrame, rules: ChargeAgreementRules = ChargeAgreementRules()) -> list[str]:
    """Charges in which the battery took more than the charger gave."""
    most = pl.col("energy_ac_kwh") * (1 + rules.side_share) + rules.side_kwh
    found = charges.filter(pl.col("energy_battery_kwh") > most)
    told = found.select("vehicle_id", "started_at", "energy_battery_kwh", "energy_ac_kwh").collect()
    return [
        f"{vehicle} {started}: {taken:.1f} kWh into the battery of {given:.1f} kWh from the charger"
        for vehicle, started, taken, given in told.iter_rows()
    ]


def agreement_sentences(charges: pl.LazyFrame, rules: ChargeAgreementRules = ChargeAgreementRules()) -> list[str]:
    """Charges whose energy per point of charge is far from the median of their vehicle's charges in these rows."""
    points = pl.col("end_soc_pct") - pl.col("start_soc_pct")
    rated = charges.filter(points >= rules.least_points, pl.col("energy_source") != "soc").select(
        "vehicle_id", "started_at", (pl.col("energy_added_kwh") / points * 100).alias("capacity_kwh")
    )
    usual = pl.col("capacity_kwh").median().over("vehicle_id")
    is_off = (pl.col("capacity_kwh") - usual).abs() > rules.capacity_share * usual
    off = rated.with_columns(usual.alias("usual_kwh")).filter(is_off).collect()
    return [
        f"{vehicle} {started}: a battery of {capacity:.1f} kWh by this charge, of {usual_kwh:.1f} kWh by the others"
        for vehicle, started, capacity, usual_kwh in off.iter_rows()
    ]
