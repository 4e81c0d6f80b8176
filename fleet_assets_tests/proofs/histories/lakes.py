"""Builds without the orchestrator, and lakes compared: the store path of every asset, called as a run calls it.

Belongs here: planning and storing as `fleet build` does, in this process and without a run. Does not belong here:
histories, and the platform's own mechanism.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from fleet_assets.contracts import (
    LAKE_TABLES,
    MODEL_TABLES,
    TABLES,
    THEFT_MODEL,
    THEFT_MODEL_METRICS,
    THEFT_SCORES,
    THEFT_TRAINING_SET,
    Table,
)
from fleet_assets.installation import Installation
from fleet_assets.pipeline import theft_model, theft_promoted
from fleet_assets.pipeline.days import NEAR_DAYS, spans
from fleet_assets.pipeline.plan import BuildRequest, ordered_tables, plan_build
from fleet_assets.pipeline.reference import reference_inputs, reference_rows
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.theft_metrics import judgement
from fleet_assets.settings import load_settings

ALL = frozenset(TABLES)

REFERENCE = ALL - LAKE_TABLES.keys()
"""Tables that reference files are stored in."""

Partition = tuple[str, str]
"""Table and day."""


@dataclass(frozen=True)
class Rewritten:
    """Partitions that a build computed, and those of them whose bytes it replaced."""

    computed: frozenset[Partition]
    changed: frozenset[Partition]


def new_installation(home: Path) -> Installation:
    """An installation below `home`."""
    return Installation(load_settings(home=home))


def store(installation: Installation, request: BuildRequest, names: Collection[str] = ALL) -> Rewritten:
    """Build what is stale of the tables called `names`: reference tables, then each stretch of days, table by table."""
    plan = plan_build(installation, request, names)
    for name in plan.reference:
        if name not in MODEL_TABLES:
            _store_reference(installation, TABLES[name])
    store_model(installation)
    computed, changed = set(), set()
    for name, day, is_changed in _stored(installation, request, plan.all_days, set(names) & set(LAKE_TABLES)):
        computed.add((name, str(day)))
        if is_changed:
            changed.add((name, str(day)))
    return Rewritten(frozenset(computed), frozenset(changed))


def store_by_day(installation: Installation, request: BuildRequest, names: Collection[str] = ALL) -> None:
    """The same from the newest day to the oldest, until nothing is stale any more."""
    days = plan_build(installation, request, names).all_days
    for day in reversed(days):
        store(installation, BuildRequest(day, day, full=request.full), names)
    store(installation, BuildRequest(), names)


def _stored(
    installation: Installation, request: BuildRequest, days: list[date], names: set[str]
) -> Iterator[tuple[str, date, bool]]:
    for first, last in spans(days, NEAR_DAYS):
        stretch = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        for maker in ordered_tables():
            if maker.table.name not in names:
                continue
            if maker.table is THEFT_SCORES:
                store_model(installation)
            for stored in store_days(installation, maker, stretch, only_stale=not request.full):
                if stored.written is not None:
                    yield maker.table.name, stored.day, stored.written.is_changed


def _store_reference(installation: Installation, table: Table) -> None:
    inputs = reference_inputs(installation, table)
    installation.lake.write(table, None, reference_rows(installation, table), inputs)


def store_model(installation: Installation) -> None:
    """Train the model of thefts where none can be used and there is something to score; store the promoted one and its
    metrics."""
    if not theft_promoted.usable(installation) and theft_promoted.is_needed(installation):
        rows, inputs, _ = theft_model.training_set(installation)
        installation.lake.write(THEFT_TRAINING_SET, None, rows, inputs)
        theft_model.train(installation)
    inputs, record = theft_promoted.model_inputs(installation), installation.lake.record(THEFT_MODEL, None)
    if inputs and (record is None or record.inputs != inputs):
        installation.lake.write(THEFT_MODEL, None, theft_model.promoted_rows(installation), inputs)
    if theft_promoted.are_metrics_stale(installation):
        figures = judgement(installation).figures
        installation.lake.write(THEFT_MODEL_METRICS, None, figures, theft_promoted.metrics_inputs(installation))


def contents(installation: Installation) -> dict[Partition, str]:
    """The hash of the bytes of every stored partition that holds rows; the table alone where it has no days."""
    found = {}
    for name, table in TABLES.items():
        days: list[date | None] = [*installation.lake.days(table)] if table.partition_by else [None]
        for day in days:
            record = installation.lake.record(table, day)
            if record is not None and record.row_count:
                found[name, str(day)] = record.content
    return found
