"""The figures of the theft benchmark: every detector on one fleet, thresholds of the tuned rule from another.

Belongs here: which figures there are, and in which tables they are told. Does not belong here: running detectors
(`benchmark`), how each figure is computed (`core.theft`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.theft.baselines import BASELINES, SIGNAL_TO_NOISE
from fleet_assets.core.theft.baselines.signal_to_noise import LOSSES, THEFTS, signal_to_noise
from fleet_assets.core.theft.calibration import Calibration, Platt, calibration, fit_platt
from fleet_assets.core.theft.evaluation import (
    ALARM_RATES,
    IS_THEFT,
    TOLD_RATE,
    Judged,
    at_rate,
    at_threshold,
    average_precision,
    curve,
    false_by_cause,
    is_found,
    judge,
)
from fleet_assets.core.theft.siphoning import slow_losses
from fleet_assets.core.theft.strata import OFF, by_stratum
from fleet_assets.core.theft.truth import Truth

SLOW_RATE = 0.1
"""The same for siphoning over days."""
SHORTS = {name: one.short for name, one in BASELINES.items()} | {SIGNAL_TO_NOISE: "s/n"}


@dataclass(frozen=True)
class Fleet:
    """A simulated fleet as the tuned rule and the truth see it; `rows` of its telemetry."""

    candidates: pl.DataFrame
    capacities: pl.DataFrame
    truth: Truth
    rows: int

    def judged(self, kinds: tuple[str, ...] = THEFTS) -> Judged:
        """What signal to noise finds of it."""
        return judge(self.events(kinds), self.truth)

    def events(self, kinds: tuple[str, ...] = THEFTS) -> pl.DataFrame:
        return signal_to_noise(self.candidates, self.capacities, kinds)


@dataclass(frozen=True)
class Figures:
    """All figures of one run. `thefts`: how many there are, can be seen, lie below the noise, are hidden."""

    rows: int
    thefts: Mapping[str, int]
    methods: pl.DataFrame
    tuned: pl.DataFrame
    strata: pl.DataFrame
    causes: pl.DataFrame
    slow: pl.DataFrame
    calibration: Calibration | None

    def tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Titles and tables in the order in which they are told."""
        yield (
            "Thefts that can be seen: recall at so many false alarms a vehicle and month (thresholds of this fleet), "
            "and recall and false alarms at the usual threshold", self.methods,
        )  # fmt: skip
        yield "The tuned rule with thresholds of the other fleet: false alarms asked for, and had here", self.tuned
        yield (
            f"Recall at {TOLD_RATE:g} false alarms by stratum (s/n with its threshold of the other fleet; bound: by "
            "the noise of levels alone)", _indented(self.strata),
        )  # fmt: skip
        yield f"What the tuned rule's alarms at {TOLD_RATE:g} really were, besides thefts", self.causes
        yield f"Siphoning and leaks by the tuned rule at {SLOW_RATE:g} false alarms", self.slow

    @property
    def sentences(self) -> list[str]:
        """What is told below the tables."""
        held = self.calibration
        if held is None:
            return ["No probability: a fleet without a theft found, or without anything else, tells none."]
        return [
            f"Probability of the tuned rule (Platt's curve of the other fleet): Brier score {held.brier:.4f}, of the "
            f"base rate {held.base_brier:.4f}; calibration error {held.error:.3f} ({held.error_low:.3f} to "
            f"{held.error_high:.3f})."
        ]

    def every(self) -> pl.DataFrame:
        """Every figure as a row: `table`, `method`, `by`, `stratum`, `measure`, `value`."""
        shorts = {short: name for name, short in SHORTS.items()}
        parts = [
            _long(self.methods, "methods", {"method": pl.col("method")}, ["method"]),
            _long(self.tuned, "tuned", {"by": pl.lit("asked"), "stratum": pl.col("asked").cast(pl.String)}, ["asked"]),
            _long(self.strata, "strata", {"by": pl.col("by"), "stratum": pl.col("stratum")}, ["by", "stratum"])
            .with_columns(pl.col("measure").replace_strict(shorts, default=None).alias("method")),
            _long(self.causes, "causes", {"stratum": pl.col("cause")}, ["cause"]),
            _long(self.slow, "slow", {"by": pl.col("kind"), "stratum": pl.col("while off")}, ["kind", "while off"]),
        ]  # fmt: skip
        return pl.concat([*parts, self._calibrated()])

    def _calibrated(self) -> pl.DataFrame:
        held = {} if self.calibration is None else vars(self.calibration)
        rows = pl.DataFrame({"measure": list(held), "value": list(held.values())}, schema=_VALUE)
        return rows.select(pl.lit("calibration").alias("table"), *_NAMED, "measure", "value")


_VALUE = pl.Schema({"measure": pl.String(), "value": pl.Float64()})
_NAMED = [pl.lit(None, pl.String).alias(name) for name in ("method", "by", "stratum")]


def _long(rows: pl.DataFrame, table: str, named: Mapping[str, pl.Expr], index: list[str]) -> pl.DataFrame:
    """Every number of a table as a row."""
    labels = [named.get(name, pl.lit(None, pl.String)).alias(f"_{name}") for name in ("method", "by", "stratum")]
    told = rows.select(*labels, pl.exclude(index).cast(pl.Float64))
    long = told.unpivot(index=["_method", "_by", "_stratum"], variable_name="measure", value_name="value")
    return long.select(
        pl.lit(table).alias("table"), pl.col("_method").alias("method"), pl.col("_by").alias("by"),
        pl.col("_stratum").alias("stratum"), "measure", "value",
    )  # fmt: skip


def figures_of(training: Fleet, held: Fleet, found: Mapping[str, pl.DataFrame]) -> Figures:
    """The figures of detectors (`found`: SCORED by name) and of the tuned rule on `held`."""
    tuned, here = training.judged(), held.judged()
    judged = {name: judge(events, held.truth) for name, events in found.items()} | {SIGNAL_TO_NOISE: here}
    curves = {name: curve(one) for name, one in judged.items()}
    rates = {rate: at_rate(curve(tuned), rate).threshold for rate in ALARM_RATES}
    levels = {name: at_rate(points, TOLD_RATE).threshold for name, points in curves.items()}
    levels[SIGNAL_TO_NOISE] = rates[TOLD_RATE]
    thefts = here.thefts
    return Figures(
        rows=held.rows, thefts=_counts(thefts), methods=_methods(curves),
        tuned=_tuned(curves[SIGNAL_TO_NOISE], rates),
        strata=_strata(judged, levels), causes=false_by_cause(here, rates[TOLD_RATE]), slow=_slow(training, held),
        calibration=_calibration(tuned, here),
    )  # fmt: skip


def _counts(thefts: pl.DataFrame) -> dict[str, int]:
    masked, seen = int(thefts["is_masked"].sum()), int(thefts["is_seen"].sum())
    return {"all": thefts.height, "seen": seen, "masked": masked, "below": thefts.height - seen - masked}


def _methods(curves: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    rows = []
    for name, points in curves.items():
        recalls = {f"at {rate:g}": at_rate(points, rate).recall for rate in ALARM_RATES}
        usual = at_threshold(points, BASELINES[name].usual) if name in BASELINES else None
        rows.append({
            "method": name, "PR-AUC": average_precision(points), **recalls,
            "usual": usual.recall if usual else None, "false": usual.false_a_month if usual else None,
        })  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"usual": pl.Float64(), "false": pl.Float64()})


def _tuned(points: pl.DataFrame, rates: Mapping[float, float | None]) -> pl.DataFrame:
    found = {rate: at_threshold(points, threshold) for rate, threshold in rates.items()}
    return pl.DataFrame([
        {"asked": rate, "threshold": one.threshold, "had": one.false_a_month, "recall": one.recall,
         "precision": one.precision}
        for rate, one in found.items()
    ], schema_overrides={"threshold": pl.Float64(), "precision": pl.Float64()})  # fmt: skip


def _strata(judged: Mapping[str, Judged], levels: Mapping[str, float | None]) -> pl.DataFrame:
    """Recall of every detector in every stratum of thefts that can be seen; and of the others."""
    columns = {SHORTS[name]: one.thefts.select(is_found(levels[name])).to_series() for name, one in judged.items()}
    thefts = judged[SIGNAL_TO_NOISE].thefts.with_columns(values.alias(name) for name, values in columns.items())
    measures = {name: pl.col(name).mean() for name in (*columns, "bound")}
    is_sight = pl.col("by") == "sight"
    every, seen = by_stratum(thefts, measures), by_stratum(thefts.filter("is_seen"), measures)
    return pl.concat([every.filter(is_sight), seen.filter(~is_sight)])


def _indented(strata: pl.DataFrame) -> pl.DataFrame:
    """Strata below the name of what parts them."""
    parts = []
    for (name,), rows in strata.group_by("by", maintain_order=True):
        head = rows.clear(1).with_columns(pl.lit(name).alias("stratum"))
        parts += [head, rows.with_columns(("  " + pl.col("stratum")).alias("stratum"))]
    whole = pl.concat(parts) if parts else strata
    return whole.drop("by").rename({"thefts": "n", "stratum": ""})


def _slow(training: Fleet, held: Fleet) -> pl.DataFrame:
    threshold = at_rate(curve(training.judged(LOSSES)), SLOW_RATE).threshold
    events = held.events(LOSSES)
    found = events.filter(is_found(threshold))
    over = held.truth.losses.filter(pl.col("ended_at") < held.truth.until)
    return slow_losses(found, over).group_by("kind", OFF.alias("while off")).agg(
        pl.len().cast(pl.Int64).alias("count"), pl.col("volume").median().alias("litres"),
        pl.col("is_found").mean().alias("found"), pl.col("is_early").mean().alias("in five nights"),
        pl.col("bound").mean(),
    ).sort("kind", "while off")  # fmt: skip


def _calibration(tuned: Judged, here: Judged) -> Calibration | None:
    scores, labels, _ = _labelled(tuned)
    if not 0 < labels.sum() < len(labels) or not here.found.height:
        return None
    platt: Platt = fit_platt(np.log(scores), labels)
    held, truths, vehicles = _labelled(here)
    return calibration(platt.of(np.log(held)), truths, vehicles) if len(held) else None


def _labelled(judged: Judged) -> tuple[F64, F64, I64]:
    """Scores, whether each is a theft (1 or 0), and vehicles by number; losses of another kind are neither."""
    told = judged.found.filter(pl.col("verdict") != "loss")
    is_theft = told.select(IS_THEFT.cast(pl.Float64)).to_series()
    vehicle = told["vehicle_id"].rank("dense").cast(pl.Int64)
    return told["score"].to_numpy(), is_theft.to_numpy(), vehicle.to_numpy()
