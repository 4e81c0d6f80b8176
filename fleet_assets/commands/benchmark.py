"""`fleet benchmark theft`: detectors against a simulated fleet whose truth is known, and how it is told.

Belongs here: which fleets, in which order things run, what is printed and written. Does not belong here: detectors and
judging (`core.theft`), the figures (`theft_figures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fleet_assets.collector.console import Console
from fleet_assets.collector.file_progress import passing_bar
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.commands.output_file import ending_of, write_rows
from fleet_assets.commands.simulated_tanks import candidates_of, capacities, tanks_of
from fleet_assets.commands.theft_figures import Figures, Fleet, figures_of
from fleet_assets.contracts.errors import UsageError
from fleet_assets.core.theft.baselines import BASELINES
from fleet_assets.core.theft.baselines.readings import readings_of
from fleet_assets.core.theft.strata import SEEN_SNR
from fleet_assets.core.theft.truth import CONFIRMED, truth_of
from fleet_assets.simulator.fuel_fleet import FuelFleet, FuelFleetPlan, IncidentRates, simulate_fuel_fleet
from fleet_assets.wording import counted

TRAINING_SEED = 1_000
"""Added to the seed of the fleet that is judged: the seed of the one on which thresholds are set."""
DAYS_A_MONTH = 30


def run_theft_benchmark(vehicles: int, months: float, seed: int, losses: float, output: Path | None) -> None:
    """Simulate, detect, tell on standard output, and write every figure to `output` where one is given.

    Raises UsageError for a file of an unknown kind, and for a fleet too short for anything to become final.
    """
    if output:
        ending_of(output)
    plans = [plan_of(vehicles, months, one, losses) for one in (seed + TRAINING_SEED, seed)]
    with steps(3 + len(BASELINES)) as step:
        step("fleet that sets thresholds")
        training = fleet_of(plans[0], simulate_fuel_fleet(plans[0]))
        step("fleet that is judged")
        simulated = simulate_fuel_fleet(plans[1])
        held = fleet_of(plans[1], simulated)
        readings = readings_in(simulated)
        del simulated  # its telemetry is the largest thing here
        found = {}
        for name, baseline in BASELINES.items():
            step(name)
            found[name] = baseline.of(readings)
        step("figures")
        figures = figures_of(training, held, found)
    _tell(plans, figures)
    if output:
        write_rows(output, figures.every())


def plan_of(vehicles: int, months: float, seed: int, losses: float) -> FuelFleetPlan:
    """The plan of a fleet; raises UsageError for one too short for anything to become final."""
    days = round(months * DAYS_A_MONTH)
    if days <= CONFIRMED.days:
        raise UsageError(f"--months {months:g} is too short: what happens becomes final within {CONFIRMED.days} days")
    return FuelFleetPlan(vehicles, days, seed, rates=IncidentRates().with_losses(losses))


def fleet_of(plan: FuelFleetPlan, simulated: FuelFleet) -> Fleet:
    """Candidates and truth of a simulated fleet."""
    return Fleet(
        candidates=candidates_of(tanks_of(simulated, plan)), capacities=capacities(simulated),
        truth=truth_of(simulated.truth, plan.starts_at, plan.ends_at), rows=simulated.telemetry.height,
    )  # fmt: skip


def readings_in(simulated: FuelFleet) -> pl.DataFrame:
    """Readings of a simulated fleet, as other detectors see them."""
    sizes = simulated.truth["vehicles"].select("vehicle_id", "tank_l", "tank_2_l")
    zones = simulated.vehicles.select("vehicle_id", "timezone")
    return readings_of(simulated.telemetry, sizes.join(zones, on="vehicle_id"))


class _Steps:
    """A bar that says what is done now."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._task, self._began = progress, progress.add_task("", total=total), False

    def __call__(self, name: str) -> None:
        self._progress.update(self._task, description=name, advance=1 if self._began else 0)
        self._began = True


@contextmanager
def steps(total: int) -> Iterator[_Steps]:
    """A bar over so many steps, each begun by calling it with what is done now."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TimeElapsedColumn())  # fmt: skip
    with passing_bar(Console(stderr=True), *columns) as progress:
        yield _Steps(progress, total)


def _tell(plans: Sequence[FuelFleetPlan], figures: Figures) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    training, plan = plans
    thefts = figures.thefts
    console.print(
        f"{counted(plan.vehicles, 'vehicle')}, {plan.days} days from {plan.starts_at.date()}, seed {plan.seed}: "
        f"{figures.rows:,} rows, {counted(thefts['all'], 'theft')}, of which {thefts['seen']} can be seen; "
        f"{thefts['below']} lie below {SEEN_SNR:g} times the noise, {thefts['masked']} are hidden by a refuel "
        f"in the same silence. Thresholds of the tuned rule: from a fleet of seed {training.seed}."
    )
    for title, rows in figures.tables():
        console.print(f"\n{title}")
        console.print(_table(rows))
    for sentence in figures.sentences:
        console.print(f"\n{sentence}")


def _table(rows: pl.DataFrame) -> Grid:
    table = Grid(*(
        Heading(name.replace("_", " "), Kind.number if dtype.is_numeric() else Kind.name, rank=min(place, 1))
        for place, (name, dtype) in enumerate(rows.schema.items())
    ))  # fmt: skip
    for first, *others in rows.iter_rows():
        is_head = all(value is None for value in others)
        table.add(str(first) if is_head else _shown(first), *("" if is_head else _shown(value) for value in others))
    return table


def _shown(value: object) -> str:
    """Three digits that count, or three behind the point."""
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
