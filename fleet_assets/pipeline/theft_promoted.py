"""Which model of thefts is promoted, whether this program can use it, and whether what is stored is of it.

Belongs here: what a plan asks of models; without a model nothing is loaded for it. Does not belong here: training, what
is in a model (`theft_model`).
"""

from __future__ import annotations

from typing import Any

from fleet_assets.adapters.model_shelf import ModelShelf, libraries
from fleet_assets.contracts import THEFT_CANDIDATES, THEFT_MODEL, THEFT_MODEL_METRICS, THEFT_TRAINING_SET
from fleet_assets.contracts.errors import ModelRefused, UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.code_versions import modules_version


def shelf_of(installation: Installation) -> ModelShelf:
    """Where an installation keeps its models of thefts."""
    return ModelShelf(installation.settings.models / "theft", installation.settings.model_key)


def expected() -> dict[str, Any]:
    """What is true of every model that this program can use."""
    from fleet_assets.core.theft.model.features import NAMES, UNITS
    from fleet_assets.core.theft.rules import TheftRules

    return {"rules_version": TheftRules().version, "features": [{"name": name, "unit": UNITS.get(name, "")}
                                                                for name in NAMES]}  # fmt: skip


def usable(installation: Installation) -> str:
    """The promoted version, if it was written here and is of this program's features and libraries; else nothing."""
    shelf = shelf_of(installation)
    name = shelf.promoted
    if not name:
        return ""
    try:
        facts = shelf.facts(name)
    except (ModelRefused, UsageError):
        return ""
    known = {**expected(), "libraries": libraries()}
    return name if all(facts.get(fact) == value for fact, value in known.items()) else ""


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
    from fleet_assets.adapters.theft_prior import prior_fingerprint

    shelf = shelf_of(installation)
    newest = shelf.versions()[-1:]
    code = modules_version("fleet_assets.core.theft.model.compare")
    return ":".join([usable(installation), *newest, training_content(installation), prior_fingerprint(), code])


def are_metrics_stale(installation: Installation) -> bool:
    """Whether the stored metrics are not those of the models that there are."""
    record = installation.lake.record(THEFT_MODEL_METRICS, None)
    return bool(usable(installation)) and (record is None or record.inputs != metrics_inputs(installation))


def training_content(installation: Installation) -> str:
    """Names the rows of the stored training set; empty where there is none."""
    record = installation.lake.record(THEFT_TRAINING_SET, None)
    return record.content if record else ""
