"""Metrics: how well a model or a detector does on vehicles that no model has learnt from.

Belongs here: figures as rows of THEFT_MODEL_METRICS, the comparison of two models. Does not belong here: each figure's
formula (`core.theft.evaluation`, `core.theft.calibration`), pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from fleet_assets.contracts.theft import THEFT_MODEL_METRICS
from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.theft.calibration import Calibration, calibration, sigmoid
from fleet_assets.core.theft.evaluation import (
    ALARM_RATES,
    IS_THEFT,
    TOLD_RATE,
    Judged,
    at_rate,
    at_threshold,
    average_precision,
    curve,
    is_found,
)
from fleet_assets.core.theft.siphoning import slow_losses
from fleet_assets.core.theft.strata import OFF, by_stratum

LOOKED_AT = 0.05
"""Probability from which a person looks: most candidates are hardly any, and their probabilities hold easily."""

ALL = "all"

OWN = "own reviews"
"""Figures of reviewed candidates of the fleet itself."""


@dataclass(frozen=True)
class Subject:
    """What is judged: its role and name as in THEFT_MODEL_METRICS."""

    role: str
    method: str


def figures(subject: Subject, judged: Judged, limits: Mapping[float, float | None] | None = None) -> pl.DataFrame:
    """THEFT_MODEL_METRICS of scores that are log odds, or of another detector's.

    `limits`: thresholds by false alarms a vehicle and month, learnt elsewhere; without them those are taken that are
    best here, which no user could know.
    """
    points, is_model = curve(judged), limits is not None
    levels = limits or {rate: at_rate(points, rate).threshold for rate in ALARM_RATES}
    seen = judged.thefts.filter("is_seen")
    rows = [*_whole(judged, points, levels, seen.height), *_strata(seen, levels[TOLD_RATE])]
    if is_model:
        rows += _calibrated(judged)
    named = [(subject.role, subject.method, *row) for row in rows]
    return pl.DataFrame(named, schema={**THEFT_MODEL_METRICS.schema}, orient="row")


def _whole(judged: Judged, points: pl.DataFrame, levels: Mapping[float, float | None], count: int) -> Iterator[Any]:
    yield _row("PR-AUC", average_precision(points), count)
    for rate in ALARM_RATES:
        had = at_threshold(points, levels[rate])
        yield _row(f"recall at {rate:g}", had.recall, count)
        yield _row(f"false alarms at {rate:g}", had.false_a_month, judged.found.height)
        yield _row(f"precision at {rate:g}", had.precision, judged.found.height)


def _strata(seen: pl.DataFrame, threshold: float | None) -> Iterator[Any]:
    measures = {f"recall at {TOLD_RATE:g}": is_found(threshold).mean(), "bound": pl.col("bound").mean()}
    for by, stratum, count, *values in by_stratum(seen, measures).iter_rows():
        for measure, value in zip(measures, values, strict=True):
            yield by, stratum, measure, value, None, None, count


def _calibrated(judged: Judged) -> Iterator[Any]:
    found = calibrated(judged)
    if found is None:
        return
    count = judged.found.height
    yield _row("Brier", found.brier, count)
    yield _row("Brier of the base rate", found.base_brier, count)
    yield (ALL, ALL, "calibration error", found.error, found.error_low, found.error_high, count)
    seen = calibrated(judged, LOOKED_AT)
    if seen is not None:
        yield (ALL, ALL, f"calibration error from {LOOKED_AT:g}", seen.error, seen.error_low, seen.error_high, count)


def calibrated(judged: Judged, least: float = 0.0) -> Calibration | None:
    """How far the probabilities of log odds, of `least` and more, hold at the rate of thefts in life; None where there
    is no theft."""
    told, labels, weights, vehicles = judged_arrays(judged)
    is_asked = told >= least
    if not 0 < labels[is_asked].sum() < is_asked.sum():
        return None
    return calibration(told[is_asked], labels[is_asked], vehicles[is_asked], weights=weights[is_asked])


def judged_arrays(judged: Judged) -> tuple[F64, F64, F64, I64]:
    """Probabilities, labels, weights and vehicles by number, of all but losses of another kind."""
    rows = judged.found.filter(pl.col("verdict") != "loss")
    weight = pl.when(IS_THEFT).then(1 / pl.col("losses")).otherwise(1.0)
    told = rows.select(
        IS_THEFT.cast(pl.Float64).alias("label"), weight.alias("weight"),
        pl.col("vehicle_id").rank("dense").cast(pl.Int64).alias("vehicle"),
    )  # fmt: skip
    odds = sigmoid(rows["score"].to_numpy())
    return odds, told["label"].to_numpy(), told["weight"].to_numpy(), told["vehicle"].to_numpy()


def slow_figures(subject: Subject, found: pl.DataFrame, losses: pl.DataFrame, months: float) -> pl.DataFrame:
    """THEFT_MODEL_METRICS of sums over days (`found`, with `verdict`) beside the true siphoning and leaks."""
    told = slow_losses(found, losses).group_by("kind", OFF.alias("off")).agg(
        pl.len().alias("count"), pl.col("is_found").mean().alias("found"),
        pl.col("is_early").mean().alias("found in five nights"), pl.col("bound").mean(),
    ).sort("kind", "off")  # fmt: skip
    rows = [_row("false alarms", found.filter(pl.col("verdict") == "false").height / months, found.height)]
    for kind, silent, count, *values in told.iter_rows():
        for measure, value in zip(told.columns[3:], values, strict=True):
            rows.append((kind, silent, measure, value, None, None, count))
    named = [(subject.role, subject.method, *row) for row in rows]
    return pl.DataFrame(named, schema={**THEFT_MODEL_METRICS.schema}, orient="row").drop_nulls("value")


def _row(measure: str, value: float | None, count: int) -> tuple[Any, ...]:
    return ALL, ALL, measure, value, None, None, count


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger is promoted, and the sentence that says why."""

    is_promoted: bool
    sentence: str


MEASURED = ((ALL, "PR-AUC", 1), (ALL, "Brier", -1), (OWN, "Brier", -1))
"""Figures by which two models are compared, and whether more (1) or less (-1) of it is better."""


def compared(champion: pl.DataFrame, challenger: pl.DataFrame) -> Verdict:
    """The gate: a challenger that is worse in any figure of MEASURED, on the same held-out vehicles, is not promoted.

    Both are THEFT_MODEL_METRICS of one model.
    """
    told, worse = [], []
    for by, measure, sign in MEASURED:
        before, after = value_of(champion, measure, by), value_of(challenger, measure, by)
        name = measure if by == ALL else f"{measure} of {by}"
        if before is not None or after is not None:
            told.append(f"{name} {_shown(after)} (promoted: {_shown(before)})")
        worse += [name] if _is_worse(before, after, sign) else []
    said = ", ".join(told)
    if worse:
        return Verdict(False, f"not promoted: worse in {' and '.join(worse)} on held-out vehicles; {said}")
    return Verdict(True, f"promoted: {said}")


def value_of(figures: pl.DataFrame, measure: str, by: str = ALL) -> float | None:
    """One figure of the whole, or of own reviews."""
    found = figures.filter((pl.col("by") == by) & (pl.col("measure") == measure))["value"]
    return None if found.is_empty() else found[0]


def _is_worse(before: float | None, after: float | None, sign: int) -> bool:
    if before is None:
        return False
    return after is None or sign * (after - before) < -1e-9


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"
