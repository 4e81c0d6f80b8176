"""Metrics of the model of thefts: the promoted one beside the newest other one, other ways to learn, other detectors.

Belongs here: which of them are judged, and how that is shown. Does not belong here: figures (`core.theft.model`),
drawing (`pictures`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.adapters.theft_prior import read_prior
from fleet_assets.contracts import THEFT_TRAINING_SET
from fleet_assets.contracts.errors import ModelRefused
from fleet_assets.core.theft.calibration import reliability
from fleet_assets.core.theft.evaluation import ALARM_RATES, TOLD_RATE, curve
from fleet_assets.core.theft.model.compare import estimator_figures, model_judged, rule_figures
from fleet_assets.core.theft.model.metrics import ALL, judged_arrays, value_of
from fleet_assets.core.theft.model.stored import StoredModel
from fleet_assets.installation import Installation
from fleet_assets.pictures.theft_model import precision_picture, reliability_picture
from fleet_assets.pipeline.theft_model import held_figures, loaded
from fleet_assets.pipeline.theft_promoted import shelf_of

BESIDE = ("signal to noise", "logistic")
"""Ways to learn that are judged beside the model each time; boosting with interactions takes longer
(benchmarks/bench_theft_models.py)."""

_MEASURES = ("PR-AUC", *(f"recall at {rate:g}" for rate in ALARM_RATES), "false alarms at 0.2", "Brier",
             "Brier of the base rate", "calibration error")  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """THEFT_MODEL_METRICS, with the models whose curves are drawn: the promoted one first."""

    figures: pl.DataFrame
    models: dict[str, StoredModel]

    def pictures(self) -> dict[str, bytes]:
        """PNGs: how far the promoted model's probabilities hold, and what each finds at which precision."""
        prior = read_prior()
        judged = {name: model_judged(one, prior) for name, one in self.models.items()}
        version = next(iter(self.models.values())).version
        first = next(iter(judged.values()))
        told, labels, weights, _ = judged_arrays(first)
        error = value_of(self.figures.filter(pl.col("method") == version), "calibration error")
        said = "" if error is None else f"calibration error {error:.3f}"
        return {
            "reliability": reliability_picture(
                "Probability told, and share that were thefts", reliability(told, labels, weights), said
            ),
            "precision_and_recall": precision_picture(
                f"Held-out fleets; points: at {TOLD_RATE:g} false alarms a vehicle and month",
                {name: curve(one) for name, one in judged.items()},
                self._points(),
            ),
        }

    def _points(self) -> dict[str, tuple[float, float]]:
        """Recall and precision of other methods at TOLD_RATE."""
        told = self.figures.filter((pl.col("by") == ALL) & pl.col("role").is_in(["estimator", "detector"]))
        recall, precision = (
            dict(told.filter(pl.col("measure") == f"{name} at {TOLD_RATE:g}").select("method", "value").iter_rows())
            for name in ("recall", "precision")
        )
        return {name: (value, precision.get(name) or 0.0) for name, value in recall.items() if value is not None}

    def table(self) -> str:
        """The main figures of all, in Markdown."""
        whole = self.figures.filter((pl.col("by") == ALL) & pl.col("measure").is_in(_MEASURES))
        head = f"| | {' | '.join(_MEASURES)} |\n|---|{'--:|' * len(_MEASURES)}"
        lines = [head]
        for (role, method), rows in whole.group_by("role", "method", maintain_order=True):
            known = dict(rows.select("measure", "value").iter_rows())
            cells = ["" if known.get(name) is None else f"{known[name]:.3f}" for name in _MEASURES]
            lines.append(f"| {role}: {method} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def numbers(self) -> dict[str, float]:
        """The promoted model's main figures, which the UI draws over time."""
        found = {name: value_of(self._champion, name) for name in _MEASURES}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def _champion(self) -> pl.DataFrame:
        return self.figures.filter(pl.col("role") == "champion")


def judgement(installation: Installation) -> Judgement:
    """Judge all on held-out vehicles. A challenger that cannot be loaded is left out; raises ModelRefused where the
    promoted model cannot be."""
    shelf, prior = shelf_of(installation), read_prior()
    champion = loaded(installation, shelf.promoted)
    parts, models = [held_figures(installation, "champion", champion)], {f"promoted {champion.version}": champion}
    others = [name for name in shelf.versions() if name != champion.version]
    challenger = _loaded_or_none(installation, others[-1]) if others else None
    if challenger is not None:
        parts.append(held_figures(installation, "challenger", challenger))
        models[f"newest other {challenger.version}"] = challenger
    rows = installation.lake.scan(THEFT_TRAINING_SET).collect()
    parts += [estimator_figures(name, rows, prior) for name in BESIDE]
    return Judgement(pl.concat([*parts, rule_figures(prior), prior.detectors]), models)


def _loaded_or_none(installation: Installation, name: str) -> StoredModel | None:
    try:
        return loaded(installation, name)
    except ModelRefused:
        return None
