"""The model of thefts of one installation: its training set, training, the gate, and what is stored of a model.

Belongs here: what is learnt from, comparing a new model with the promoted one. Does not belong here: formulas
(`core.theft.model`), files of models (`adapters.model_shelf`), what is stale (`theft_promoted`), Dagster
(`defs.theft_model`).

A model is named by what it was learnt from, by which code and libraries: the same again is the same model, and is not
trained again. What scores is the table `theft_model`: a promotion makes exactly `theft_scores` and its readers stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from fleet_assets.adapters.model_shelf import ModelShelf, libraries
from fleet_assets.adapters.theft_prior import prior_fingerprint, read_prior
from fleet_assets.contracts import FUEL_BALANCE, THEFT_CANDIDATES, THEFT_MODEL, THEFT_REVIEWS, THEFT_TRAINING_SET
from fleet_assets.contracts.errors import DataError, ModelRefused
from fleet_assets.core.theft.labels import labelled
from fleet_assets.core.theft.model.prior import IS_FALL, training_rows
from fleet_assets.core.theft.model.stored import StoredModel, model_of, model_rows
from fleet_assets.core.theft.rules import TheftRules
from fleet_assets.installation import Installation
from fleet_assets.pipeline.code_versions import modules_version
from fleet_assets.pipeline.days import midnight
from fleet_assets.pipeline.theft_promoted import expected, shelf_of, training_content, usable

if TYPE_CHECKING:
    from fleet_assets.core.theft.model.drift import Drift

OWN_FLEET = "own"
OWN_WEIGHT = 1.0
"""How often a person's label counts among those of simulated fleets."""
HELD_SHARE = 4
"""Of so many vehicles of the own fleet one is held out, by its name: it is the same one in every training."""

MODULES = ("fleet_assets.core.theft.model.fit",)
"""Code that decides a model of the same rows."""


def promoted(installation: Installation) -> StoredModel | None:
    """The model that scores, as it is stored; None before there is one."""
    if installation.lake.record(THEFT_MODEL, None) is None:
        return None
    return model_of(installation.lake.scan(THEFT_MODEL).collect())


def training_set(installation: Installation) -> tuple[pl.DataFrame, str, int]:
    """THEFT_TRAINING_SET now; what names that from which it is made (the prior, and reviewed falls of the fleet); and
    how many reviews meet no fall."""
    reviews = installation.lake.record(THEFT_REVIEWS, None)
    own, unmet = _own_rows(installation) if reviews and reviews.row_count else (THEFT_TRAINING_SET.empty(), 0)
    inputs = f"{prior_fingerprint()}:{reviews.content if reviews else ''}:{TheftRules().version}"
    return pl.concat([training_rows(read_prior()), own]), inputs, unmet


def _own_rows(installation: Installation) -> tuple[pl.DataFrame, int]:
    reviews = installation.lake.scan(THEFT_REVIEWS).collect()
    of_reviewed = pl.col("vehicle_id").is_in(reviews["vehicle_id"].unique().implode())
    candidates = installation.lake.scan(THEFT_CANDIDATES).filter(of_reviewed).collect().sort("closed_at")
    # A loss of weeks that is told again a week later keeps its id: it is one.
    once = candidates.unique("event_id", keep="first", maintain_order=True)
    # Sums over days take the reviews that are about them, and teach nothing.
    met = labelled(once, reviews)
    known = met.frame.filter(IS_FALL).drop_nulls("verdict")
    held = [name for name in known["vehicle_id"].unique() if _number_of(name) % HELD_SHARE == 0]
    told = known.with_columns(
        pl.lit(OWN_FLEET).alias("fleet"), pl.lit("review").alias("origin"), pl.lit(OWN_WEIGHT).alias("weight"),
        (pl.col("verdict") == "theft").alias("is_theft"), pl.col("vehicle_id").is_in(held).alias("is_held"),
    )  # fmt: skip
    return told.select(list(THEFT_TRAINING_SET.schema)), met.unmet.height


def _number_of(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16)


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


DRIFT_DAYS = 28
"""Days of which falls are compared with those of three times as many days before."""


def drifted(installation: Installation, today: date) -> Drift | None:
    """How falls of the last weeks differ from those before; None without a model, or without falls.

    Vehicle-months are those of vehicles whose tanks told anything in these weeks.
    """
    from fleet_assets.core.theft.model.drift import DriftRules, drift

    model = promoted(installation)
    until = midnight(today)
    since, first = until - timedelta(days=DRIFT_DAYS), until - timedelta(days=4 * DRIFT_DAYS)
    falls = installation.lake.window(THEFT_CANDIDATES, first, until).filter(IS_FALL).collect()
    if model is None or falls.is_empty():
        return None
    before, after = falls.filter(pl.col("closed_at") < since), falls.filter(pl.col("closed_at") >= since)
    told = installation.lake.window(FUEL_BALANCE, since, until).select(pl.col("vehicle_id").n_unique()).collect().item()
    rules = DriftRules(psi=installation.settings.theft_drift_psi)
    return drift(before, after, model, installation.settings.theft_alarm_budget, told * DRIFT_DAYS / 30, rules)


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
        return _fitted(_Rows(rows, training_content(installation))), rows
    except ValueError as error:
        raise DataError(f"no model of thefts: {error}") from None


def _facts(installation: Installation, model: StoredModel, fitted: Any, rows: pl.DataFrame) -> Mapping[str, Any]:
    known = rows.filter(~pl.col("is_held"))
    own = known.filter(pl.col("fleet") == OWN_FLEET)
    counts = known.group_by("fleet").len().sort("fleet")
    return {
        **expected(),
        "training_set": training_content(installation),
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
    facts = [training_content(installation), expected(), libraries(), modules_version(*MODULES)]
    return "m" + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:10]


def _is_sound(shelf: ModelShelf, name: str) -> bool:
    try:
        shelf.facts(name)
    except ModelRefused:
        return False
    return True
