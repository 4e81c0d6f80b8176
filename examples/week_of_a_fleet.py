"""A week of a fleet in four pictures, read with pandas and polars from an installation.

    FLEET_HOME=.fleet/demo .venv/bin/python examples/week_of_a_fleet.py [--to 2026-11-21] [--output week.png]

It needs no Dagster. Each cell (# %%) also runs in a notebook.
Without --to the week ends with the last day that has trips.
"""

# %%
from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleet_assets import read

LEVELS = {"soc_pct": "battery", "fuel_level_pct": "tank"}


# %% Which week, and which vehicle had most to do
def last_week(fleet: read.Fleet, end: date | None = None) -> tuple[date, date]:
    """The seven days before `end`; by default up to the last day that has trips."""
    if end is None:
        newest = fleet.table("trips").select(pl.col("started_at").dt.date().max()).collect().item()
        if newest is None:
            raise SystemExit(
                f"{fleet.installation.settings.root} holds no trips: run `fleet demo --no-ui` or `fleet build`"
            )
        end = newest + timedelta(days=1)
    return end - timedelta(days=7), end


def busiest_day(fleet: read.Fleet, start: date, end: date) -> tuple[str, date]:
    """Vehicle and day with the longest distance."""
    trips = fleet.table("trips", start, end).group_by("vehicle_id", day=pl.col("started_at").dt.date())
    driven = trips.agg(pl.sum("distance_km")).sort("distance_km", "vehicle_id", "day", descending=[True, False, False])
    return driven.select("vehicle_id", "day").head(1).collect().row(0)


# %% Distance per day and vehicle: pandas, from the mart
def plot_distance(axes: Axes, fleet: read.Fleet, start: date, end: date) -> None:
    """Stacked bars: kilometres of each local day, by vehicle."""
    days = fleet.pandas("vehicle_daily", start, end)
    by_day = days.pivot(index="local_date", columns="vehicle_id", values="distance_km").fillna(0.0)
    by_day.index = by_day.index.strftime("%a %d")
    colours = [colour(fleet, vehicle) for vehicle in by_day.columns]
    by_day.plot.bar(stacked=True, ax=axes, width=0.8, rot=0, legend=False, color=colours)
    axes.set(title="Distance per day", xlabel="", ylabel="km")


# %% A day's speed profile with its trips shaded: polars
def plot_speed(axes: Axes, fleet: read.Fleet, vehicle: str, day: date) -> None:
    """Speed in each ten seconds of one day of one vehicle; gaps in what was observed stay gaps."""
    until = day + timedelta(days=1)
    speed = (
        fleet.table("telemetry", day, until, vehicle)
        .drop_nulls("speed_kmh")
        .group_by_dynamic("recorded_at", every="10s")
        .agg(pl.mean("speed_kmh"))
        .collect()
        .upsample("recorded_at", every="10s")
    )
    trips = fleet.table("trips", day, until, vehicle).select("started_at", "ended_at").collect()
    for began, ended in trips.iter_rows():
        axes.axvspan(began, ended, color="tab:orange", alpha=0.2, linewidth=0)
    axes.plot(speed["recorded_at"], speed["speed_kmh"], linewidth=0.7, color=colour(fleet, vehicle))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M", tz="UTC"))
    axes.set(title=f"{vehicle} on {day:%a %d %b}: speed, trips shaded", xlabel="UTC", ylabel="km/h")


# %% Battery and tank levels over the week: pandas
def plot_levels(axes: Axes, fleet: read.Fleet, start: date, end: date) -> None:
    """State of charge (lines) and tank level (dashed) of every vehicle, the mean of each half hour."""
    levels = fleet.pandas("telemetry", start, end)[["vehicle_id", "recorded_at", *LEVELS]]
    halves = levels.groupby(["vehicle_id", levels["recorded_at"].dt.floor("30min")])[[*LEVELS]].mean()
    for vehicle, rows in halves.groupby(level="vehicle_id"):
        told = rows.droplevel("vehicle_id")
        for column, style in zip(LEVELS, ("-", "--"), strict=True):
            seen = told[column].dropna()
            axes.plot(seen.index, seen, style, linewidth=1.0, color=colour(fleet, str(vehicle)))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%a %d", tz="UTC"))
    axes.set(title="State of charge (lines) and tank level (dashed)", ylabel="%", ylim=(0, 100))


# %% A map of the tracks: polars
def neighbours(fleet: read.Fleet, vehicle: str) -> list[str]:
    """The vehicles at home in the same city."""
    home = pl.col("city").filter(pl.col("vehicle_id") == vehicle).first()
    return fleet.table("vehicles").filter(pl.col("city").eq_missing(home)).collect()["vehicle_id"].to_list() or [
        vehicle
    ]


def plot_tracks(axes: Axes, fleet: read.Fleet, start: date, end: date, vehicles: list[str]) -> None:
    """Every tenth position of the week, a kilometre as long to the north as to the east."""
    tracks = (
        fleet.table("telemetry", start, end, vehicles)
        .select("vehicle_id", "latitude_deg", "longitude_deg")
        .drop_nulls()
        .gather_every(10)
        .collect()
    )
    for (vehicle,), rows in tracks.group_by("vehicle_id", maintain_order=True):
        axes.scatter(rows["longitude_deg"], rows["latitude_deg"], s=0.4, color=colour(fleet, vehicle))
    if tracks.height:
        axes.set_aspect(1 / np.cos(np.radians(tracks["latitude_deg"].mean())))
    axes.set(title=f"Tracks of {len(vehicles)} vehicles of one city", xlabel="longitude, deg", ylabel="latitude, deg")
    axes.ticklabel_format(useOffset=False)


def colour(fleet: read.Fleet, vehicle: str) -> str:
    """The same colour for a vehicle in every picture."""
    known = sorted(fleet.table("vehicles").collect()["vehicle_id"])
    place = known.index(vehicle) if vehicle in known else len(known)
    return f"C{place % 10}"


# %% All four on one sheet
def week(fleet: read.Fleet, end: date | None = None) -> Figure:
    """The sheet of one week."""
    start, end = last_week(fleet, end)
    sheet = Figure(figsize=(12, 9), layout="constrained")
    (distance, speed), (levels, tracks) = sheet.subplots(2, 2)
    plot_distance(distance, fleet, start, end)
    busiest, day = busiest_day(fleet, start, end)
    plot_speed(speed, fleet, busiest, day)
    plot_levels(levels, fleet, start, end)
    plot_tracks(tracks, fleet, start, end, neighbours(fleet, busiest))
    sheet.legend(*distance.get_legend_handles_labels(), loc="outside lower center", ncols=6)
    sheet.suptitle(f"{start:%d %b} to {end - timedelta(days=1):%d %b %Y}")
    return sheet


def main() -> None:
    """Write the sheet as one PNG."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", help="folder of the installation; FLEET_HOME by default")
    parser.add_argument("--to", type=date.fromisoformat, help="first day after the week, 2026-11-21")
    parser.add_argument("--output", type=Path, default=Path("week.png"))
    options = parser.parse_args()
    mpl.use("agg")
    week(read.Fleet(options.home), options.to).savefig(options.output, dpi=100)


if __name__ == "__main__":
    main()
