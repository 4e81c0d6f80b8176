"""`fleet model`: which models of thefts there are, what is known of one, which one scores.

Belongs here: how that is told. Does not belong here: training and the gate (`pipeline.theft_model`), files of models
(`adapters.model_shelf`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.model_shelf import ModelShelf
from fleet_assets.adapters.privacy import as_the_person_set
from fleet_assets.collector.console import Console
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.contracts import MODEL_TABLES, THEFT_MODEL_METRICS
from fleet_assets.contracts.errors import ModelRefused, UsageError
from fleet_assets.core.theft.model.stored import StoredModel
from fleet_assets.installation import Installation
from fleet_assets.pipeline.theft_model import loaded
from fleet_assets.pipeline.theft_promoted import shelf_of
from fleet_assets.wording import counted

_NEXT = "`fleet build` computes all scores with it"
_MEASURES = ("PR-AUC", "recall at 0.05", "recall at 0.2", "recall at 1", "false alarms at 0.2", "Brier",
             "Brier of the base rate", "calibration error")  # fmt: skip


def run_list(installation: Installation) -> None:
    """Tell of every model."""
    shelf, console = shelf_of(installation), _console()
    names = shelf.versions()
    if not names:
        console.print("No model yet: `fleet build` trains the first once there is a fall to score; `fleet model train` "
                      "at once.")  # fmt: skip
        return
    table = Grid(
        Heading("version", rank=0), "made", Heading("learnt from", Kind.prose, 2), Heading("reviews", Kind.number, 2),
        Heading("state", Kind.prose, 0),
    )  # fmt: skip
    for name in names:
        facts, state = _facts_and_state(installation, shelf, name)
        learnt = f"{sum(facts.get('trained_on', {}).values()):,} falls, {facts.get('thefts', 0):,} of them thefts"
        made = str(facts.get("made_at", ""))[:16].replace("T", " ")
        table.add(name, made, learnt if facts else "", str(facts.get("own_labels", "")), state)
    console.print(table)


def _facts_and_state(installation: Installation, shelf: ModelShelf, name: str) -> tuple[Mapping[str, Any], str]:
    try:
        facts = shelf.facts(name)
        loaded(installation, name)
    except ModelRefused as error:
        return {}, f"cannot be used: {error}"
    return facts, "scores" if name == shelf.promoted else ""


def run_show(installation: Installation, version: str, pictures: Path | None) -> None:
    """Tell what is known of a model; raises UsageError where there is none, ModelRefused where it cannot be used."""
    shelf, console = shelf_of(installation), _console()
    name = version or shelf.promoted
    if not name:
        raise UsageError("no model scores yet; `fleet build` trains the first once there is a fall to score")
    facts, model = shelf.facts(name), loaded(installation, name)
    for line in _told(shelf, name, facts):
        console.print(line)
    console.print(_thresholds(model))
    console.print("\nWhat each feature adds to the log odds of the average fall, from the least to the most:")
    console.print(_features(model, facts))
    figures = _figures(installation, name)
    console.print(figures if figures.rows else "No figures are stored: `fleet build` computes those of the model "
                  "that scores.")  # fmt: skip
    if pictures is not None:
        for file in _draw(installation, name, pictures):
            console.print(str(file))


def _told(shelf: ModelShelf, name: str, facts: Mapping[str, Any]) -> Iterator[str]:
    state = ", which scores" if name == shelf.promoted else ""
    yield f"Model {name}{state}; made {facts['made_at']}"
    fleets = counted(len(facts["trained_on"]), "fleet")
    yield (f"Learnt from {sum(facts['trained_on'].values()):,} falls of {fleets}, {facts['thefts']:,} of them thefts, "
           f"{facts['from'][:10]} to {facts['to'][:10]}")  # fmt: skip
    moved = facts["recalibrated_by"]
    if facts["own_labels"]:
        yield (f"Reviews of this fleet: {facts['own_labels']:,}, {facts['own_thefts']:,} of them thefts; they move log "
               f"odds by {moved['offset']:+.2f} and stretch them {moved['slope']:.2f} times")  # fmt: skip
    else:
        yield "Reviews of this fleet: none; probabilities are those of simulated fleets"
    yield f"Rules {facts['rules_version']}, training set {facts['training_set'][:12]}"
    yield "Libraries: " + ", ".join(f"{library} {number}" for library, number in facts["libraries"].items())


def _thresholds(model: StoredModel) -> Grid:
    titles = ("false alarms a vehicle and month", "probability from which it alarms")
    table = Grid(*(Heading(title, Kind.number) for title in titles))
    for budget in sorted(model.limits):
        table.add(f"{budget:g}", f"{model.threshold_at(budget):.3f}")
    return table


def _features(model: StoredModel, facts: Mapping[str, Any]) -> Grid:
    units = {one["name"]: one["unit"] for one in facts["features"]}
    table = Grid("feature", "unit", *(Heading(title, Kind.number) for title in ("least", "most", "not known")))
    spans = {name: max(steps.values) - min(steps.values) for name, steps in model.terms.steps.items()}
    for name in sorted(spans, key=lambda one: -spans[one]):
        steps = model.terms.steps[name]
        table.add(
            name, units.get(name, ""), f"{min(steps.values):+.2f}", f"{max(steps.values):+.2f}", f"{steps.unknown:+.2f}"
        )
    return table


def _figures(installation: Installation, name: str) -> Grid:
    """Figures of a model beside those of others, on held-out vehicles."""
    whole = _stored_figures(installation).filter(pl.col("by") == "all", pl.col("measure").is_in(_MEASURES))
    table = Grid(Heading("on held-out vehicles", rank=0), *(Heading(title, Kind.number) for title in _MEASURES))
    if name not in whole["method"]:
        return table
    for (role, method), own in whole.group_by("role", "method", maintain_order=True):
        known = dict(own.select("measure", "value").iter_rows())
        cells = [_shown(known.get(measure)) for measure in _MEASURES]
        table.add(f"{method} ({role})" if role in ("champion", "challenger") else str(method), *cells)
    return table


def _stored_figures(installation: Installation) -> pl.DataFrame:
    """THEFT_MODEL_METRICS as they are stored; none before there are any."""
    is_stored = installation.lake.record(THEFT_MODEL_METRICS, None) is not None
    return installation.lake.scan(THEFT_MODEL_METRICS).collect() if is_stored else THEFT_MODEL_METRICS.empty()


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _draw(installation: Installation, name: str, folder: Path) -> Iterator[Path]:
    from fleet_assets.pipeline.theft_metrics import Judgement

    judged = Judgement(_stored_figures(installation), {f"model {name}": loaded(installation, name)})
    with as_the_person_set():
        for drawn, picture in judged.pictures().items():
            file = folder / f"theft_{drawn}.png"
            replace_file(file, picture)
            yield file


def run_promote(installation: Installation, version: str, why: str = "promoted by hand") -> None:
    """Promote a model that can be used; raises as `run_show` does."""
    shelf = shelf_of(installation)
    loaded(installation, version)
    if version == shelf.promoted:
        _console().print(f"{version} scores already.")
        return
    shelf.promote(version, why)
    _console().print(f"{version} scores from now on: {_NEXT}.")


def run_rollback(installation: Installation) -> None:
    """Promote the model before; raises UsageError where there is none."""
    shelf = shelf_of(installation)
    run_promote(installation, shelf.before(), f"went back from {shelf.promoted}")


def run_train(installation: Installation) -> None:
    """Train by the same assets as the UI does."""
    from fleet_assets.commands.build import run_build
    from fleet_assets.pipeline.plan import BuildRequest

    before = shelf_of(installation).promoted
    run_build(installation, BuildRequest(select=",".join(MODEL_TABLES), trains=True))
    after = shelf_of(installation).promoted
    scores = f"{after} scores: {_NEXT}" if after != before else f"{after} scores as before"
    _console().print(f"{scores}. `fleet model show` tells more.")


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
