"""The model of thefts of one installation: its training set, training, the gate, and which model scores.

Belongs here: what is learnt from and when, comparing a new model with the promoted one, what is stored of it. Does not
belong here: formulas (`core.theft.model`), files of models (`adapters.model_shelf`), Dagster (`defs.theft_model`).

A model is named by what it was learnt from, by which code and libraries: the same again is the same model, and is not
trained again. What scores is the table `theft_model`: a promotion makes exactly `theft_scores` and its readers stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from fleet_assets.adapters.model_shelf import ModelShelf, libraries
from fleet_assets.adapters.theft_prior import prior_fingerprint, read_prior
from fleet_assets.contracts import (
    THEFT_CANDIDATES,
    THEFT_MODEL,
    THEFT_MODEL_METRICS,
    THEFT_REVIEWS,
    THEFT_TRAINING_SET,
)
from fleet_assets.contracts.errors import DataError, ModelRefused, UsageError
from fleet_assets.core.theft.labels import labelled
from fleet_assets.core.theft.model.features import NAMES, UNITS
from fleet_assets.core.theft.model.prior import training_rows
from fleet_assets.core.theft.model.stored import StoredModel, model_of, model_rows
from fleet_assets.core.theft.rules import TheftRules
from fleet_assets.installation import Installation
from fleet_assets.pipeline.code_versions import modules_version

OWN_FLEET = "own"
OWN_WEIGHT = 1.0
"""How often a person's label counts among those of simulated fleets."""
HELD_SHARE = 4
"""Of so many vehicles of the own fleet one is held out, by its name: it is the same one in every training."""

MODULES = ("fleet_assets.core.theft.model.fit",)
"""Code that decides a model of the same rows."""


def shelf_of(installation: Installation) -> ModelShelf:
    """Where an installation keeps its models of thefts."""
    return ModelShelf(installation.settings.models / "theft", installation.settings.model_key)


def promoted(installation: Installation) -> StoredModel | None:
    """The model that scores, as it is stored; None before there is one."""
    if installation.lake.record(THEFT_MODEL, None) is None:
        return None
    return model_of(installation.lake.scan(THEFT_MODEL).collect())


def expected() -> dict[str, Any]:
    """What is true of every model that this program can use."""
    return {"rules_version": TheftRules().version, "features": [{"name": name, "unit": UNITS.get(name, "")}
                                                                for name in NAMES]}  # fmt: skip


def usable(installation: Installation) -> str:
    """The promoted version, if its model was written here and is of this program's features; else nothing."""
    shelf = shelf_of(installation)
    try:
        facts = shelf.facts(shelf.promoted)
    except (ModelRefused, UsageError):
        return ""
    return shelf.promoted if all(facts.get(name) == value for name, value in expected().items()) else ""


def model_inputs(installation: Installation) -> str:
    """Names what `theft_model` is made of: the promoted model; empty where a usable one has to be trained first."""
    name = usable(installation)
    return f"{name}:{modules_version('fleet_assets.core.theft.model.stored')}" if name else ""


def is_needed(installation: Installation) -> bool:
    """Whether there is anything to score."""
    return bool(installation.lake.generation(THEFT_CANDIDATES).filled)


def is_model_stale(installation: Installation, *, has_days: bool = False) -> bool:
    """Whether the stored model is not the promoted one, or there is none and something to score: now, or after a build
    that makes days of candidates (`has_days`)."""
    inputs, record = model_inputs(installation), installation.lake.record(THEFT_MODEL, None)
    if not inputs:
        return has_days or is_needed(installation)
    return record is None or record.inputs != inputs


def metrics_inputs(installation: Installation) -> str:
    """Names what the metrics are made of."""
    shelf = shelf_of(installation)
    newest = shelf.versions()[-1:]
    code = modules_version("fleet_assets.core.theft.model.compare")
    return ":".join([usable(installation), *newest, _training_content(installation), prior_fingerprint(), code])


def are_metrics_stale(installation: Installation) -> bool:
    """Whether the stored metrics are not those of the models that there are."""
    record = installation.lake.record(THEFT_MODEL_METRICS, None)
    return bool(usable(installation)) and (record is None or record.inputs != metrics_inputs(installation))


def training_set(installation: Installation) -> tuple[pl.DataFrame, str]:
    """THEFT_TRAINING_SET now, and what names that from which it is made: the prior, and reviewed falls of the fleet."""
    reviews = installation.lake.record(THEFT_REVIEWS, None)
    own = _own_rows(installation) if reviews and reviews.row_count else THEFT_TRAINING_SET.empty()
    inputs = f"{prior_fingerprint()}:{reviews.content if reviews else ''}:{TheftRules().version}"
    return pl.concat([training_rows(read_prior()), own]), inputs


def _own_rows(installation: Installation) -> pl.DataFrame:
    reviews = installation.lake.scan(THEFT_REVIEWS).collect()
    of_reviewed = pl.col("vehicle_id").is_in(reviews["vehicle_id"].unique().implode())
    candidates = installation.lake.scan(THEFT_CANDIDATES).filter(of_reviewed).collect()
    known = labelled(candidates, reviews).frame.drop_nulls("verdict")
    held = [int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_SHARE == 0 for name in known["vehicle_id"]]
    told = known.with_columns(
        pl.lit(OWN_FLEET).alias("fleet"), pl.lit("review").alias("origin"), pl.lit(OWN_WEIGHT).alias("weight"),
        (pl.col("verdict") == "theft").alias("is_theft"), pl.Series("is_held", held, pl.Boolean),
    )  # fmt: skip
    return told.select(list(THEFT_TRAINING_SET.schema))


@dataclass(frozen=True)
class Trained:
    """What came of a training: the version, whether it is a new one, whether it was promoted, and why or why not."""

    version: str
    is_new: bool
    is_promoted: bool
    sentence: str


def train(installation: Installation) -> Trained:
    """Train on the stored training set and promote the model, unless it is worse than the promoted one on held-out
    vehicles. The same training set by the same code gives the model that is there, which is judged once.

    Raises DataError where there is too little to learn from.
    """
    from fleet_assets.core.theft.model.metrics import compared

    shelf, name = shelf_of(installation), _version(installation)
    champion = usable(installation)
    if champion and name in shelf.versions() and _is_sound(shelf, name):
        return Trained(name, False, False, f"{name} is what this training set gives; it was judged before")
    fitted, rows = _fit(installation)
    challenger = StoredModel(name, fitted.terms, fitted.thresholds)
    figures = held_figures(installation, "challenger", challenger)
    shelf.put(name, {"model": challenger, "trees": fitted.trees}, _facts(installation, challenger, fitted, rows))
    if not champion:
        shelf.promote(name, "the first that can be used")
        return Trained(name, True, True, "promoted: no other model can be used")
    verdict = compared(held_figures(installation, "champion", loaded(installation, champion)), figures)
    if verdict.is_promoted:
        shelf.promote(name, verdict.sentence)
    return Trained(name, True, verdict.is_promoted, verdict.sentence)


def loaded(installation: Installation, name: str) -> StoredModel:
    """A model from its artefact; raises ModelRefused for one that was changed, or that other code or libraries made,
    and UsageError where there is none of this name."""
    model = shelf_of(installation).load(name, expected())["model"]
    assert isinstance(model, StoredModel)
    return model


def held_figures(installation: Installation, role: str, model: StoredModel) -> pl.DataFrame:
    """THEFT_MODEL_METRICS of a model on held-out vehicles: simulated ones, and reviewed ones of this fleet."""
    from fleet_assets.core.theft.model.compare import model_figures, own_figures

    rows = installation.lake.scan(THEFT_TRAINING_SET).filter("is_held").collect()
    own = rows.filter(pl.col("fleet") == OWN_FLEET)
    return pl.concat([model_figures(role, model, read_prior()), own_figures(role, model, own)])


def promoted_rows(installation: Installation) -> pl.DataFrame:
    """THEFT_MODEL of the promoted model, from its artefact."""
    return model_rows(loaded(installation, shelf_of(installation).promoted))


class _Rows:
    """Rows of a training set that are named by their content: equal ones are fitted once in a process."""

    def __init__(self, rows: pl.DataFrame, content: str) -> None:
        self.rows, self._content = rows, content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rows) and other._content == self._content

    def __hash__(self) -> int:
        return hash(self._content)


@lru_cache(maxsize=2)
def _fitted(named: _Rows) -> Any:
    from fleet_assets.core.theft.model.fit import fit

    return fit(named.rows, read_prior().months(is_held=False))


def _fit(installation: Installation) -> tuple[Any, pl.DataFrame]:
    rows = installation.lake.scan(THEFT_TRAINING_SET).collect()
    try:
        return _fitted(_Rows(rows, _training_content(installation))), rows
    except ValueError as error:
        raise DataError(f"no model of thefts: {error}") from None


def _facts(installation: Installation, model: StoredModel, fitted: Any, rows: pl.DataFrame) -> Mapping[str, Any]:
    known = rows.filter(~pl.col("is_held"))
    own = known.filter(pl.col("fleet") == OWN_FLEET)
    counts = known.group_by("fleet").len().sort("fleet")
    return {
        **expected(),
        "training_set": _training_content(installation),
        "trained_on": dict(counts.iter_rows()),
        "thefts": int(known["is_theft"].sum()),
        "from": str(known["started_at"].min()),
        "to": str(known["started_at"].max()),
        "own_labels": own.height,
        "own_thefts": int(own["is_theft"].sum()),
        "recalibrated_by": {"offset": fitted.own_curve.intercept, "slope": fitted.own_curve.slope},
        "thresholds": {str(budget): model.threshold_at(budget) for budget in model.limits},
    }


def _version(installation: Installation) -> str:
    """The name of what the stored training set gives by this code and these libraries."""
    facts = [_training_content(installation), expected(), libraries(), modules_version(*MODULES)]
    return "m" + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:10]


def _training_content(installation: Installation) -> str:
    record = installation.lake.record(THEFT_TRAINING_SET, None)
    return record.content if record else ""


def _is_sound(shelf: ModelShelf, name: str) -> bool:
    try:
        shelf.facts(name)
    except ModelRefused:
        return False
    return True
