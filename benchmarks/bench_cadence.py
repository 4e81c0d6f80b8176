"""Trips by cadence: what is found of known trips where a tracker sends a row every so many seconds.

    PYTHONPATH=. python benchmarks/bench_cadence.py [--data FOLDER] [--vehicles 12] [--days 7]

FOLDER holds real recordings (setting FLEET_REAL_DATA); without it only the simulated fleet is measured. Every dense
recording is thinned as a slow tracker would send it: regularly, and jittered by 40 % of the cadence either way. Prints
one Markdown table per fleet and kind of tracker; a cell is `regular / jittered`. Nothing is kept.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from math import isnan
from pathlib import Path

import polars as pl

from fleet_assets.simulator import FleetPlan
from fleet_assets.simulator.slow_tracker import newest_values, sent_every
from fleet_assets_tests.fixtures.known_fleets import (
    WITNESSES,
    KnownFleet,
    commute_and_drives,
    nrel,
    simulated,
    with_halts,
)
from fleet_assets_tests.fixtures.scores import Score, score

CADENCES_S = (1, 10, 30, 60, 120, 300, 600)
JITTER = 0.4


def _signed(share: float) -> str:
    percent = round(100 * share, 1)
    return f"{percent:+.1f}" if percent else "0.0"


COLUMNS: dict[str, Callable[[Score], str]] = {
    "true trips": lambda one: str(one.known),
    "rows": lambda one: str(one.trips),
    "found": lambda one: str(one.overlapped),
    "both ends within a cadence": lambda one: str(one.both_ends),
    "median end error, s": lambda one: f"{one.end_s:.0f}",
    "distance, %": lambda one: _signed(one.distance),
    "of speeds times cadence, %": lambda one: "" if one.sampled is None else _signed(one.sampled),
    "median of a trip's distance, %": lambda one: "-" if isnan(one.trip_distance) else f"{100 * one.trip_distance:.1f}",
    "idle and engine hours, %": lambda one: "" if one.idle is None else _signed(one.idle),
    "unobserved, % of km": lambda one: f"{100 * one.unobserved:.1f}",
}
SAME = ("true trips",)


def table(fleet: KnownFleet) -> Iterator[str]:
    """Lines of the Markdown table of one kind of tracker."""
    yield "| cadence, s | " + " | ".join(COLUMNS) + " |"
    yield "|--:|" + "--:|" * len(COLUMNS)
    filled = newest_values(fleet.telemetry)
    for cadence in CADENCES_S:
        scores = [score(fleet, sent, cadence) for sent in _sent(fleet.telemetry, filled, cadence)]
        cells = []
        for name, written in COLUMNS.items():
            words = [written(one) for one in (scores[:1] if name in SAME else scores)]
            cells.append(" / ".join(words) if any(words) else "")
        yield f"| {cadence} | " + " | ".join(cells) + " |"


def _sent(telemetry: pl.DataFrame, filled: pl.DataFrame, cadence: int) -> list[pl.DataFrame]:
    """The dense rows as they are, or what is sent regularly and what is sent with jitter."""
    if cadence == 1:
        return [telemetry]
    return [sent_every(cadence, filled), sent_every(cadence, filled, JITTER)]


def show(name: str, fleet: KnownFleet) -> None:
    """Print the tables of a fleet for every kind of tracker that its telemetry allows."""
    present = set(fleet.telemetry.columns)
    kinds = {kind: columns for kind, columns in WITNESSES.items() if set(columns) <= present}
    seen = {kind: fleet.seen_by(*columns) for kind, columns in kinds.items()}
    if "latitude_deg" in present:
        seen["all"] = fleet
    for kind, some in seen.items():
        if some.trips.height:
            print(f"\n{name}: {kind}\n", *table(some), sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FLEET_REAL_DATA", here)))
    parser.add_argument("--vehicles", type=int, default=12)
    parser.add_argument("--days", type=int, default=7)
    options = parser.parse_args()
    if options.data.is_dir():
        cars = nrel(options.data)
        show("NREL's nine cars", cars)
        show("NREL's nine cars, halts told", with_halts(cars))
        show("a commute and ten drives of an electric car", commute_and_drives(options.data))
    else:
        print(f"no real recordings at {options.data} (set FLEET_REAL_DATA)")
    with tempfile.TemporaryDirectory() as folder:
        plan = FleetPlan(options.vehicles, options.days, seed=1, start=date(2025, 3, 3))
        show(f"{options.vehicles} simulated vehicles over {options.days} days", simulated(plan, Path(folder)))


if __name__ == "__main__":
    main()
