"""`fleet migrate`: data of other programs into the landing zone, with a bar and a summary.

Belongs here: what a person sees, and which vehicle a node is. Does not belong here: the migration itself.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from fleet_assets.collector.console import Console
from fleet_assets.collector.file_progress import passing_bar
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.migration import SOURCE, Answers, Migration, migrate
from fleet_assets.contracts import VEHICLE_REFS
from fleet_assets.installation import Installation


def run_can_sqlite(installation: Installation, path: Path, vehicle_id: str, bus: str) -> None:
    """Take a legacy SQLite file and say what came of it; raises FileRejected or DataError."""
    answers = Answers(vehicle_id or _vehicles_by_node(installation), bus or "can0")
    columns = (TextColumn("migrating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with passing_bar(Console(stderr=True), *columns) as bar:
        task = bar.add_task("")
        done = migrate(
            path, answers, Intake.from_settings(installation.settings),
            lambda rows, total: bar.update(task, completed=rows, total=total),
        )  # fmt: skip
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in _summary(path, done, installation.settings.quarantine):
        console.print(line)


def _vehicles_by_node(installation: Installation) -> dict[str, str]:
    refs = installation.reference.read(VEHICLE_REFS).filter(pl.col("source") == SOURCE)
    return dict(refs.select("external_id", "vehicle_id").iter_rows())


def _summary(path: Path, done: Migration, quarantine: Path) -> list[str]:
    lines = [
        f"{path}: {done.rows:,} rows, {done.landed:,} of them in the landing zone; {done.sampled:,} compared, all equal"
    ]
    if done.resumed_at:
        lines.append(f"{done.resumed_at:,} rows had been gone through before")
    if done.known:
        lines.append(f"{done.known:,} rows had landed from another file")
    for slug, count in sorted(done.rejected.items()):
        lines.append(f"{count:,} quarantined: {slug} (in {quarantine})")
    if done.landed:
        lines.append("run `fleet build` to use them")
    return lines
