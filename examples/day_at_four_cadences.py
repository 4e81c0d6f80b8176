"""One day of a vehicle as trackers that speak every second and every 1, 5 and 10 minutes would tell it, in one picture.

    FLEET_HOME=.fleet/demo .venv/bin/python examples/day_at_four_cadences.py [--vehicle lorry-01 --day 2026-11-20]

It needs an installation with dense telemetry, and no Dagster. Without
--vehicle and --day it takes the day with most trips. Each cell (# %%) also runs in a notebook.
"""

# %%
from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import matplotlib as mpl
import matplotlib.dates as mdates
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from fleet_assets import read
from fleet_assets.contracts import DRIVER_ASSIGNMENTS, STOPS, ZONES
from fleet_assets.core.standing import StandingRules, standing_periods
from fleet_assets.core.stops import Happened, derive_stops
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.core.window import Window
from fleet_assets.simulator.slow_tracker import newest_values, sent_every

CADENCES_S = {1: "every second", 60: "every minute", 300: "every 5 minutes", 600: "every 10 minutes"}
COLOURS = {"trip": "tab:green", "stop": "silver", "idling": "tab:orange", "unobserved": "tab:red"}
WORDS = {
    "trip": "trip", "stop": "stop", "idling": "stop with the engine running for 5 min or more",
    "unobserved": "drive that nobody saw",
}  # fmt: skip
DOT_ABOVE_S = 10
DAY = timedelta(days=1)


# %% Which day
def busiest_day(fleet: read.Fleet) -> tuple[str, date]:
    """Vehicle and UTC day with most trips."""
    trips = fleet.table("trips").group_by("vehicle_id", day=pl.col("started_at").dt.date()).agg(pl.len())
    found = trips.sort("len", "vehicle_id", "day", descending=[True, False, False]).head(1).collect()
    if found.is_empty():
        raise SystemExit(
            f"{fleet.installation.settings.root} holds no trips: run `fleet demo --no-ui` or `fleet build`"
        )
    return found.item(0, "vehicle_id"), found.item(0, "day")


# %% The day as it was told, and what the rules make of it
@dataclass(frozen=True)
class Told:
    """What a tracker sent, and the bars that follow from it: kind, started_at, ended_at."""

    rows: pl.DataFrame
    bars: pl.DataFrame
    km: float


def told_every(seconds: int, dense: pl.DataFrame, vehicles: pl.DataFrame, day: date) -> Told:
    """The telemetry that is sent every so many seconds, with its trips and stops."""
    rows = dense if seconds == 1 else sent_every(seconds, newest_values(dense))
    start = datetime.combine(day, time(), UTC)
    window = Window(start - DAY, start, start + 2 * DAY)
    trips = segment_trips(
        rows.lazy(), vehicles.lazy(), DRIVER_ASSIGNMENTS.empty().lazy(), window, TripRules()
    ).collect()  # fmt: skip
    periods = standing_periods(rows.lazy(), StandingRules(), vehicles.lazy())
    reach = Window(start - STOPS.look_back, start, window.day_end)
    stops = derive_stops(
        trips.lazy(), periods, Happened.nothing(), ZONES.empty().lazy(), vehicles.lazy(), reach
    ).collect()  # fmt: skip
    is_unseen, is_idling = pl.col("start_reason") == "unobserved", pl.col("kind") == "idling"
    trip_kind = pl.when(is_unseen).then(pl.lit("unobserved")).otherwise(pl.lit("trip")).alias("kind")
    stop_kind = pl.when(is_idling).then(pl.lit("idling")).otherwise(pl.lit("stop")).alias("kind")
    ends = ("started_at", "ended_at")
    bars = pl.concat([trips.select(trip_kind, *ends), stops.select(stop_kind, *ends)])
    return Told(rows, bars, float(trips["distance_km"].sum()))


# %% One row of the sheet: the speed that was sent, and the bars below it
def plot_told(axes: Axes, told: Told, words: str, cadence_s: int) -> None:
    """Speed as a line (broken where nothing was sent for long), rows as dots where they are few, bars below zero."""
    speed = told.rows.drop_nulls("speed_kmh").sort("recorded_at").select("recorded_at", "speed_kmh")
    longest = timedelta(seconds=max(2.2 * cadence_s, 60))
    line = speed.with_columns(
        pl.when(pl.col("recorded_at").shift(-1) - pl.col("recorded_at") <= longest).then("speed_kmh").alias("ahead"),
        pl.when(pl.col("recorded_at").diff() <= longest).then("speed_kmh").alias("behind"),
    )
    shown = line.select("recorded_at", pl.coalesce("ahead", "behind").alias("speed_kmh"))
    breaks = line.filter(pl.col("ahead").is_null()).select(
        pl.col("recorded_at") + timedelta(milliseconds=1), pl.lit(None, dtype=pl.Float64).alias("speed_kmh")
    )
    drawn = pl.concat([shown, breaks]).sort("recorded_at")
    axes.plot(drawn["recorded_at"], drawn["speed_kmh"], linewidth=0.8, color="tab:blue")
    if cadence_s > DOT_ABOVE_S:
        axes.plot(speed["recorded_at"], speed["speed_kmh"], ".", markersize=4, color="navy")
    for kind, began, ended in told.bars.sort("started_at").iter_rows():
        height = 22 if kind in ("trip", "unobserved") else 12
        axes.broken_barh([(began, ended - began)], (-8 - height, height), color=COLOURS[kind], linewidth=0)
    kinds = told.bars["kind"].to_list()
    counted = f"{kinds.count('trip')} trips, {kinds.count('stop') + kinds.count('idling')} stops"
    unseen = f", {kinds.count('unobserved')} unobserved" if "unobserved" in kinds else ""
    axes.set_title(f"{words}: {counted}{unseen}, {told.km:.1f} km", loc="left", fontsize=10)
    axes.axhline(0, linewidth=0.5, color="black")
    axes.set(ylabel="km/h", ylim=(-34, None))
    axes.set_yticks([0, 30, 60, 90])
    axes.spines[["top", "right"]].set_visible(False)


# %% All four on one sheet
def sheet_of(fleet: read.Fleet, vehicle: str, day: date) -> Figure:
    """The sheet of one vehicle's day."""
    dense = fleet.table("telemetry", day, day + DAY, vehicle).collect()
    vehicles = fleet.table("vehicles").collect()
    sheet = Figure(figsize=(11, 9.5), layout="constrained")
    rows = sheet.subplots(len(CADENCES_S), 1, sharex=True, sharey=True)
    for axes, (seconds, words) in zip(rows, CADENCES_S.items(), strict=True):
        plot_told(axes, told_every(seconds, dense, vehicles, day), words, seconds)
    span = dense.select(pl.col("recorded_at").min().alias("a"), pl.col("recorded_at").max().alias("b")).row(0)
    rows[-1].set_xlim(span[0] - timedelta(minutes=10), span[1] + timedelta(minutes=10))
    rows[-1].xaxis.set_major_formatter(mdates.DateFormatter("%H:%M", tz="UTC"))
    rows[-1].set_xlabel("UTC")
    marks = [Line2D([], [], color="tab:blue", label="speed"),
             Line2D([], [], color="navy", marker=".", linestyle="", label="row that was sent")]  # fmt: skip
    bars = [Patch(color=COLOURS[kind], label=words) for kind, words in WORDS.items()]
    sheet.legend(handles=[*marks, *bars], loc="outside lower center", ncols=3, frameon=False)
    sheet.suptitle(f"{vehicle} on {day:%d %b %Y}, told at four cadences")
    return sheet


def main() -> None:
    """Write the sheet as one PNG."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", help="folder of the installation; FLEET_HOME by default")
    parser.add_argument("--vehicle", help="vehicle_id")
    parser.add_argument("--day", type=date.fromisoformat, help="UTC day, 2026-11-20")
    parser.add_argument("--output", type=Path, default=Path("cadences.png"))
    options = parser.parse_args()
    if (options.vehicle is None) != (options.day is None):
        parser.error("--vehicle and --day go together")
    mpl.use("agg")
    fleet = read.Fleet(options.home)
    vehicle, day = (options.vehicle, options.day) if options.day else busiest_day(fleet)
    sheet_of(fleet, vehicle, day).savefig(options.output, dpi=90)


if __name__ == "__main__":
    main()
