"""`fleet benchmark theft-prior`: the labelled candidates that are packaged, made anew from simulated fleets.

Belongs here: which fleets, in which order things run. Does not belong here: what is kept of a fleet
(`core.theft.model.prior`), files (`adapters.theft_prior`), benchmarks for people (`benchmark`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import polars as pl

from fleet_assets.adapters.theft_prior import write_prior
from fleet_assets.collector.console import Console
from fleet_assets.commands.benchmark import fleet_of, plan_of, readings_in, steps
from fleet_assets.contracts import THEFT_MODEL_METRICS
from fleet_assets.core.theft.baselines import BASELINES
from fleet_assets.core.theft.evaluation import Judged, judge
from fleet_assets.core.theft.model.metrics import Subject, figures
from fleet_assets.core.theft.model.prior import Prior, fleet_in
from fleet_assets.simulator.fuel_fleet import simulate_fuel_fleet
from fleet_assets.wording import counted


@dataclass(frozen=True)
class FleetOfPrior:
    """One simulated fleet: what `fleet benchmark theft` calls it, and whether it is held out."""

    seed: int
    vehicles: int = 60
    months: float = 2.0
    losses: float = 5.0
    is_held: bool = False


FLEETS = (
    FleetOfPrior(101), FleetOfPrior(102), FleetOfPrior(103), FleetOfPrior(104, 80, 1.5, 4.0),
    FleetOfPrior(105, 40, 3.0, 3.0), FleetOfPrior(106), FleetOfPrior(107), FleetOfPrior(108),
    FleetOfPrior(1, is_held=True), FleetOfPrior(2, is_held=True), FleetOfPrior(3, is_held=True),
    FleetOfPrior(4, is_held=True),
)  # fmt: skip
"""Fleets of several sizes, lengths and rates of theft; nothing is learnt from those that are held out."""


def run_theft_prior(folder: Path, fleets: Sequence[FleetOfPrior] = FLEETS) -> None:
    """Simulate each fleet and write what is kept of all of them."""
    parts, detected = [], []
    with steps(len(fleets)) as step:
        for fleet in fleets:
            step(f"seed {fleet.seed}")
            part, found = _simulated(fleet)
            parts.append(part)
            detected += [found] if found else []
    prior = joined(parts, detected)
    size = write_prior(folder, prior)
    thefts, rows = prior.thefts.height, prior.candidates.height
    said = f"{counted(rows, 'candidate')} and {counted(thefts, 'theft')} of {counted(len(fleets), 'fleet')}"
    Console(highlight=False, markup=False, soft_wrap=True).print(f"{folder}: {said}, {size:,} bytes")


def _simulated(fleet: FleetOfPrior) -> tuple[Prior, dict[str, Judged] | None]:
    """What is kept of a fleet; of one that is held out also what other detectors find in it."""
    plan = plan_of(fleet.vehicles, fleet.months, fleet.seed, fleet.losses)
    simulated = simulate_fuel_fleet(plan)
    known = fleet_of(plan, simulated)
    readings = readings_in(simulated) if fleet.is_held else None
    del simulated  # its telemetry is the largest thing here
    part = fleet_in(
        f"seed {fleet.seed}", known.candidates, known.capacities, known.truth, fleet.losses, is_held=fleet.is_held
    )
    if readings is None:
        return part, None
    return part, {name: judge(one.of(readings), known.truth) for name, one in BASELINES.items()}


def joined(parts: Sequence[Prior], detected: Sequence[Mapping[str, Judged]]) -> Prior:
    """The parts as one, with the figures of the other detectors on all held fleets together."""
    frames = {
        field.name: pl.concat([getattr(part, field.name) for part in parts])
        for field in fields(Prior) if field.name != "detectors"
    }  # fmt: skip
    return Prior(**frames, detectors=pl.concat([THEFT_MODEL_METRICS.empty(), *_detectors(detected)]))


def _detectors(detected: Sequence[Mapping[str, Judged]]) -> Iterator[pl.DataFrame]:
    for name in BASELINES if detected else ():
        judged = [one[name] for one in detected]
        whole = Judged(
            pl.concat(one.found for one in judged), pl.concat(one.thefts for one in judged),
            sum(one.vehicle_months for one in judged),
        )  # fmt: skip
        yield figures(Subject("detector", name), whole)
