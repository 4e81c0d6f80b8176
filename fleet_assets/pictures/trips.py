"""Trips through time: how far and how fast each went, and the speed of the rows behind them.

Does not belong here: finding trips (`core.trips`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.pictures.canvas import (
    COLOURS,
    SMALL,
    Size,
    blank,
    day_number,
    label,
    png,
    thinned,
    with_time_axis,
)
from fleet_assets.wording import counted

UNSEEN = "unobserved"
"""Start reason of a drive that nobody saw."""


def trips_picture(
    vehicle: str, zone: str, trips: pl.DataFrame, speeds: pl.DataFrame | None = None, size: Size = SMALL
) -> bytes:
    """PNG of one vehicle's trips: a band for each with its kilometres and a stroke at its mean speed; behind them the
    speed of every row of telemetry, where `speeds` (recorded_at, speed_kmh) are given. Drives that nobody saw are
    hatched."""
    rows = trips.sort("started_at")
    figure, axes = blank(size, f"{vehicle}: {counted(rows.height, 'trip')}, {float(rows['distance_km'].sum()):.1f} km")
    if speeds is not None and speeds["speed_kmh"].count():
        told = thinned(speeds, "recorded_at", "speed_kmh")
        axes.plot(told["recorded_at"], told["speed_kmh"], color=COLOURS["faint"], linewidth=0.5, zorder=1)
    for began, ended, km, kmh, reason in rows.select(
        "started_at", "ended_at", "distance_km", "avg_speed_kmh", "start_reason"
    ).iter_rows():  # trips of one vehicle
        first, last = day_number(began), day_number(ended)
        hatch = "//" if reason == UNSEEN else None
        axes.axvspan(first, last, facecolor=COLOURS["line"], alpha=0.12, linewidth=0, hatch=hatch)
        if kmh is not None:
            axes.hlines(kmh, first, last, color=COLOURS["line"], linewidth=2, zorder=2)
        label(axes, began, f"{km:.1f} km", COLOURS["line"], size)
    axes.set_ylabel("km/h", fontsize=8)
    axes.set_ylim(bottom=0)
    with_time_axis(axes, zone)
    return png(figure)


def speed_picture(vehicle: str, zone: str, speeds: pl.DataFrame) -> bytes:
    """PNG of the speed of one vehicle through a day (recorded_at, speed_kmh)."""
    figure, axes = blank(SMALL, f"{vehicle}: speed, {counted(speeds.height, 'row')}")
    told = thinned(speeds, "recorded_at", "speed_kmh")
    axes.plot(told["recorded_at"], told["speed_kmh"], color=COLOURS["line"], linewidth=0.6)
    axes.set_ylabel("km/h", fontsize=7)
    axes.set_ylim(bottom=0)
    with_time_axis(axes, zone)
    return png(figure)


def distances_picture(trips: pl.DataFrame) -> bytes:
    """PNG of many vehicles: the kilometres of each, the farthest ten from the top."""
    driven = trips.group_by("vehicle_id").agg(pl.sum("distance_km")).sort("distance_km", "vehicle_id").tail(10)
    vehicles = counted(trips["vehicle_id"].n_unique(), "vehicle")
    figure, axes = blank(SMALL, f"{counted(trips.height, 'trip')} of {vehicles}: km of each vehicle")
    axes.barh(driven["vehicle_id"].to_list(), driven["distance_km"].to_list(), color=COLOURS["line"])
    axes.set_xlabel("km", fontsize=7)
    return png(figure)
