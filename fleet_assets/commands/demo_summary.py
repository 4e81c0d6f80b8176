"""What a demo found beside what the simulator knows: one row per vehicle, a line for the fleet, in units people use.

Belongs here: the comparison, as frames, and its table on the terminal. Does not belong here: running anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from fleet_assets.commands.grid import Grid, Heading, Kind

END_TOLERANCE = timedelta(seconds=30)
"""A found trip is the true one when both ends agree to this: messages come every second to ten seconds."""

MEASURES = {
    "trips": "trips",
    "distance_km": "km",
    "fuel_l": "fuel l",
    "energy_kwh": "kWh",
    "refuels": "refuels",
    "refuelled_l": "refuelled l",
}
"""What is compared, and its heading."""


@dataclass(frozen=True)
class Tables:
    """Found tables and the simulator's truth, as frames of their contracts."""

    vehicles: pl.DataFrame
    trips: pl.DataFrame
    burned: pl.DataFrame
    """vehicle_id and fuel_used_l of everything that engines burned, driving and standing, in any number of rows."""
    fuel_events: pl.DataFrame
    true_trips: pl.DataFrame
    true_refuels: pl.DataFrame
    true_vehicles: pl.DataFrame


def compare(tables: Tables) -> pl.DataFrame:
    """One row per vehicle: vehicle_id, powertrain, and each measure as found and as `true_...`; absent is null."""
    found = _found(tables)
    return (
        tables.vehicles.select("vehicle_id", "powertrain")
        .join(found, on="vehicle_id", how="left", maintain_order="left")
        .join(_true(tables), on="vehicle_id", how="left", maintain_order="left")
        .with_columns(_none_where_there_is_a_tank("refuels"), _none_where_there_is_a_tank("refuelled_l"))
        .sort("vehicle_id")
    )


def _none_where_there_is_a_tank(column: str) -> pl.Expr:
    """A vehicle with an engine that was not filled was filled 0 times."""
    return pl.when(pl.col("powertrain") != "bev").then(pl.col(column).fill_null(0)).alias(column)


def _found(tables: Tables) -> pl.DataFrame:
    driven = tables.trips.group_by("vehicle_id").agg(
        trips=pl.len(),
        distance_km=pl.col("distance_km").sum(),
        energy_kwh=_sum_or_null("energy_used_kwh"),
    )
    refuels = tables.fuel_events.filter(pl.col("kind") == "refuel").group_by("vehicle_id")
    filled = refuels.agg(refuels=pl.len(), refuelled_l=_sum_or_null("volume_l"))
    burned = tables.burned.group_by("vehicle_id").agg(fuel_l=_sum_or_null("fuel_used_l"))
    known = driven.join(filled, on="vehicle_id", how="full", coalesce=True)
    return known.join(burned, on="vehicle_id", how="full", coalesce=True)


def _true(tables: Tables) -> pl.DataFrame:
    driven = tables.true_trips.group_by("vehicle_id").agg(
        true_trips=pl.len(),
        true_distance_km=pl.col("distance_km").sum(),
        true_energy_kwh=_sum_or_null("energy_kwh"),
    )
    refuels = tables.true_refuels.group_by("vehicle_id").agg(
        true_refuels=pl.len(), true_refuelled_l=pl.col("litres").sum()
    )
    burned = tables.true_vehicles.select("vehicle_id", true_fuel_l="fuel_burned_l")
    return driven.join(refuels, on="vehicle_id", how="left").join(burned, on="vehicle_id", how="left")


def _sum_or_null(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null().any()).then(pl.col(column).sum())


def matched_trips(trips: pl.DataFrame, true_trips: pl.DataFrame) -> int:
    """How many true trips were found with both ends within END_TOLERANCE."""
    ends = ("vehicle_id", "started_at", "ended_at")
    pairs = (
        true_trips.select(ends)
        .sort("started_at")
        .join_asof(
            trips.select(*ends, found_start="started_at").sort("started_at"),
            on="started_at", by="vehicle_id", strategy="nearest", suffix="_found", check_sortedness=False,
        )
    )  # fmt: skip
    near = (pl.col("started_at") - pl.col("found_start")).abs() <= END_TOLERANCE
    both = near & ((pl.col("ended_at") - pl.col("ended_at_found")).abs() <= END_TOLERANCE)
    return pairs.filter(both).height


def as_table(compared: pl.DataFrame) -> Grid:
    """The comparison for a terminal: what was found per vehicle, then the fleet beside what the simulator knows."""
    shown = {name: title for name, title in MEASURES.items() if compared[f"true_{name}"].null_count() < compared.height}
    columns = (Heading(title, Kind.number) for title in shown.values())
    table = Grid(Heading("vehicle", rank=0), "kind", *columns, title="What was found in the frames")
    for row in compared.iter_rows(named=True):
        table.add(row["vehicle_id"], row["powertrain"], *(_number(row[name]) for name in shown))
    if compared.is_empty():
        return table
    totals = compared.select(pl.col(name, f"true_{name}").sum() for name in shown).row(0, named=True)
    table.add("fleet", "", *(_number(totals[name]) for name in shown), begins_section=True)
    table.add("simulator knows", "", *(_number(totals[f"true_{name}"]) for name in shown))
    table.add("difference", "", *(_difference(totals[name], totals[f"true_{name}"]) for name in shown))
    table.add("worst vehicle", "", *(_worst(compared, name) for name in shown))
    return table


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _difference(found: float | None, true: float | None) -> str:
    if not true:
        return "-"
    return f"{((found or 0) - true) / true:+.2%}"


def _worst(compared: pl.DataFrame, name: str) -> str:
    """The largest relative difference of one vehicle; a vehicle of which one side knows nothing is left out."""
    share = (pl.col(name) - pl.col(f"true_{name}")) / pl.col(f"true_{name}")
    worst = compared.filter(pl.col(f"true_{name}") > 0).select(share.get(share.abs().arg_max())).to_series()
    return f"{worst[0]:+.2%}" if worst.len() and worst[0] is not None else "-"
