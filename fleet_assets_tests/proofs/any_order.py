"""Any order of arrival gives the tables of one full rebuild, and rewrites no more than it must.

Belongs here: the claims and their counts. Does not belong here: how histories are made (`histories`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from fleet_assets.contracts import LAKE_TABLES
from fleet_assets_tests.proofs.histories.late_rows import late_rows
from fleet_assets_tests.proofs.histories.trial import Task, Trial, expected, prepare, rebuilt_elsewhere, run_trial
from fleet_assets_tests.proofs.histories.weeks import (
    Week,
    energy_week,
    load_week,
    recorded_weeks,
    save_week,
    simulated_week,
)
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength

TITLE = "Any order of arrival gives the tables of one full rebuild"

REAL_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


OF_NO_ROWS = {"ingest_gaps", "ingest_quarantined", "ingest_outages"}
"""Tables of what goes wrong on the way in, of which these weeks have nothing."""


@dataclass(frozen=True)
class _Plan:
    """`histories` of each simulated week and `energy_histories` of each week of tanks and batteries alone, of which
    `complete` are whole builds with Dagster and dbt, and `recorded` of the recordings; `rebuilt`: further rebuilds of
    each week in processes of their own, as (threads, days backwards)."""

    weeks: int
    histories: int
    energy_weeks: int
    energy_histories: int
    complete: int
    recorded: int
    late_rows: int
    rebuilt: tuple[tuple[int, bool], ...]
    processes: int


PLANS = {
    Strength.QUICK: _Plan(1, 1, 1, 2, 1, 1, 4, ((1, True),), 1),
    Strength.FULL: _Plan(6, 34, 6, 34, 1, 12, 40, ((1, False), (2, True)), 2),
}


def prove(strength: Strength, say: Say) -> Iterator[Outcome]:
    """Histories of simulated and recorded weeks against rebuilds, then what late rows rewrite, then equal bytes."""
    plan = PLANS[strength]
    with TemporaryDirectory(prefix="fleet-any-order-") as name:
        folder = Path(name)
        weeks = [_kept(simulated_week(k, folder / f"simulated-{k}"), folder) for k in range(plan.weeks)]
        tasks = [Task(week, seed, seed < plan.complete) for week in weeks for seed in range(plan.histories)]
        yield _has_rows(weeks)
        yield _histories("simulated weeks", tasks, plan.processes, say)
        energy = [_kept(energy_week(k, folder / f"energy-{k}"), folder) for k in range(plan.energy_weeks)]
        tasks = [Task(week, seed, seed < plan.complete) for week in energy for seed in range(plan.energy_histories)]
        yield _histories("weeks of tanks and batteries", tasks, plan.processes, say)
        yield from _recorded(folder, plan, say)
        say("late rows")
        yield late_rows(load_week(weeks[0]), folder / "late", plan.late_rows)
        say("bytes in other processes")
        yield _same_bytes(weeks, plan.rebuilt, folder)


def _recorded(folder: Path, plan: _Plan, say: Say) -> Iterator[Outcome]:
    real_data = Path(os.environ.get("FLEET_REAL_DATA", REAL_DATA))
    kept = [_kept(week, folder) for week in recorded_weeks(real_data, folder / "recorded")]
    if not kept:
        say(f"no real recordings at {real_data} (set FLEET_REAL_DATA): that line is left out")
        return
    tasks = [Task(week, seed) for week in kept for seed in range(plan.recorded)]
    yield _histories("real recordings", tasks, plan.processes, say)


def _kept(week: Week, folder: Path) -> Path:
    """Where a week is saved, with what one full rebuild makes of it."""
    kept = folder / "weeks" / week.name.replace(" ", "-")
    save_week(week, kept)
    prepare(kept)
    return kept


def _has_rows(weeks: list[Path]) -> Outcome:
    """Whether there is something to compare: tables without rows are equal whatever made them."""
    asked = LAKE_TABLES.keys() - OF_NO_ROWS
    missing = [
        f"{name} of {week.name}" for week in weeks for name in sorted(asked - {one for one, _ in expected(week)})
    ]
    tried = f"{len(asked)} tables of {len(weeks)} weeks, all but {', '.join(sorted(OF_NO_ROWS))}"
    return Outcome("every table that is compared has rows", tried, not missing, ", ".join(missing) or "all have rows")


def _trials(tasks: list[Task], processes: int) -> Iterator[Trial]:
    if processes == 1:
        yield from map(run_trial, tasks)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        yield from (done.result() for done in as_completed([pool.submit(run_trial, task) for task in tasks]))


def _histories(what: str, tasks: list[Task], processes: int, say: Say) -> Outcome:
    trials: list[Trial] = []
    for trial in _trials(tasks, processes):
        trials.append(trial)
        say(f"{what}, {len(trials)} of {len(tasks)} histories")
    broken = [trial for trial in trials if trial.differing]
    whole = sum(trial.task.is_complete for trial in trials)
    tried = (
        f"{len(trials)} histories of {len({task.week for task in tasks})} {what}: "
        f"{sum(t.pieces for t in trials):,} arrivals, {sum(t.builds for t in trials):,} builds, "
        f"{sum(t.reference_changes for t in trials)} with reference files corrected on the way"
    )
    tried += f"; {whole} through Dagster and dbt, marts included" if whole else ""
    seen = f"{sum(t.partitions for t in trials):,} partitions compared by hash, {len(broken)} histories differ"
    if broken:
        first = broken[0]
        seen += f": {first.task.week.name}, seed {first.task.seed}, {', '.join(first.differing[:5])}"
    return Outcome(f"{what}: any history equals one rebuild", tried, not broken, seen)


def _same_bytes(weeks: list[Path], ways: tuple[tuple[int, bool], ...], folder: Path) -> Outcome:
    """Rebuilds in processes of their own, with one or two threads, the newest day first or last."""
    differing: list[str] = []
    partitions = 0
    runs = [(week, threads, backwards) for week in weeks for threads, backwards in ways]
    for number, (week, threads, backwards) in enumerate(runs):
        compared, wrong = rebuilt_elsewhere(week, folder / f"again-{number}", threads, backwards=backwards)
        partitions += compared
        differing += wrong
    named = [f"{threads} thread(s) and days {'backwards' if backwards else 'in order'}" for threads, backwards in ways]
    tried = f"{len(runs)} rebuilds in processes of their own: {', '.join(named)}"
    seen = f"{partitions:,} partitions, {len(differing)} hashes differ {', '.join(differing[:3])}".strip()
    return Outcome("the same rows give the same bytes", tried, not differing and partitions > 0, seen)
