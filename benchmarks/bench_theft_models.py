"""A first comparison of learners on theft candidates, beside the tuned signal-to-noise rule.

Usage: python benchmarks/bench_theft_models.py [--vehicles 60] [--months 2] [--training 101 102 103] [--held 1 2]
       [--losses 5]

Learners are fitted on fleets of the training seeds. Thresholds come from those fleets too: from scores that each
vehicle gets of a model that has not seen it (five folds by vehicle). Recall and false alarms are told of other fleets.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fleet_assets.commands.benchmark import fleet_of, plan_of
from fleet_assets.commands.theft_figures import Fleet
from fleet_assets.contracts.theft import CANDIDATE_KINDS, FEATURES
from fleet_assets.core.compiled import F64
from fleet_assets.core.theft.baselines.readings import SCORED
from fleet_assets.core.theft.calibration import calibration
from fleet_assets.core.theft.evaluation import (
    ALARM_RATES,
    Judged,
    at_rate,
    at_threshold,
    average_precision,
    curve,
    false_by_cause,
    is_found,
    judge,
)
from fleet_assets.core.theft.strata import by_stratum
from fleet_assets.simulator.fuel_fleet import simulate_fuel_fleet

FOLDS = 5
TOLD_RATE = 0.2
LOGS = ("size_over_noise", "share_pct", "duration_s", "gap_s", "rate_pct_h", "driven_km", "driven_before_km",
        "driven_after_km", "idle_s", "noise_pct")  # fmt: skip
"""Features that span powers of ten: the logistic model takes their logarithms."""
LEFT_OUT = ("volume_l", "rate_lph", "local_hour", "local_weekday")
"""Litres are null where the tank is not known; the clock is what a model of night thefts would learn."""
RISING, FALLING = ("size_over_noise", "share_pct"), ("simultaneous_share", "is_in_outage", "is_of_source")
"""Features with which a probability of theft may only rise, or fall."""
NAMES = tuple(column.name for column in FEATURES if column.name not in LEFT_OUT)
KINDS = tuple(kind for kind in CANDIDATE_KINDS if kind != "weekly")

Model = Any


def logistic() -> Model:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2_000))


def boosted() -> Model:
    monotone = [1 if name in RISING else -1 if name in FALLING else 0 for name in (*NAMES, *KINDS)]
    return HistGradientBoostingClassifier(
        monotonic_cst=monotone, max_iter=150, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=20,
        l2_regularization=1.0, random_state=1,
    )  # fmt: skip


def plain(rows: pl.DataFrame) -> F64:
    """The features as numbers, with one column per kind; what is not known is not a number."""
    kinds = [(pl.col("kind") == kind).cast(pl.Float64).alias(kind) for kind in KINDS]
    return rows.select(pl.col(NAMES).cast(pl.Float64), *kinds).to_numpy()


def prepared(rows: pl.DataFrame) -> F64:
    """The same for a linear model: logarithms, and nought with a mark for what is not known."""
    logs = [(pl.col(name).clip(1e-3) + (0 if name in RISING else 1)).log() for name in LOGS]
    told = rows.with_columns(logs)
    marks = [pl.col(name).is_null().cast(pl.Float64).alias(f"no {name}") for name in NAMES]
    numbers = np.nan_to_num(plain(told), nan=0.0)
    return np.hstack((numbers, told.select(marks).to_numpy()))


LEARNERS: Mapping[str, tuple[Callable[[], Model], Callable[[pl.DataFrame], F64]]] = {
    "logistic": (logistic, prepared), "boosted, monotone": (boosted, plain),
}  # fmt: skip


def judged_rows(fleet: Fleet, seed: int) -> pl.DataFrame:
    """Candidates with what they are (`verdict`): each theft is the candidate that fits it best in time and litres."""
    rows = fleet.candidates.filter(pl.col("kind") != "weekly").join(fleet.capacities, on="vehicle_id")
    litres = pl.coalesce("volume_l", pl.col("share_pct") / 100 * pl.col("capacity_l"))
    sized = rows.with_columns(litres.alias("volume_l"), score=pl.lit(0.0))
    verdicts = judge(sized.select(*SCORED.names(), "event_id"), fleet.truth).found.select("event_id", "verdict")
    return sized.join(verdicts, on="event_id").with_columns(group=pl.lit(f"{seed}/") + pl.col("vehicle_id"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=60)
    parser.add_argument("--months", type=float, default=2.0)
    parser.add_argument("--training", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--held", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--losses", type=float, default=5.0)
    chosen = parser.parse_args()
    began = time.perf_counter()
    fleets = {seed: _fleet(chosen, seed) for seed in (*chosen.training, *chosen.held)}
    rows = {seed: judged_rows(fleet, seed) for seed, fleet in fleets.items()}
    print(f"fleets in {time.perf_counter() - began:.0f} s")
    training, held = ({seed: fleets[seed] for seed in seeds} for seeds in (chosen.training, chosen.held))
    rules = {seed: fleet.events() for seed, fleet in fleets.items()}
    _show("signal to noise", _joined(training, rules), _joined(held, rules))
    known = pl.concat([rows[seed] for seed in training]).filter(pl.col("verdict") != "loss")
    for name, (make, numbers) in LEARNERS.items():
        began = time.perf_counter()
        is_theft = known["verdict"].is_in(["theft", "unseen"]).to_numpy()
        unseen = _out_of_fold(make, numbers(known), is_theft, known["group"].to_numpy())
        model = make().fit(numbers(known), is_theft)
        told = known.select("event_id", "group").with_columns(score=pl.Series(unseen))
        scores = {seed: rows[seed].drop("score").join(told, on=["event_id", "group"]) for seed in training}
        scores |= {seed: _scored(rows[seed], model, numbers) for seed in held}
        parts = _joined(training, scores), _joined(held, scores)
        _show(f"{name} ({time.perf_counter() - began:.0f} s)", *parts)
        _calibrated(pl.concat([scores[seed] for seed in held]))


def _fleet(chosen: argparse.Namespace, seed: int) -> Fleet:
    plan = plan_of(chosen.vehicles, chosen.months, seed, chosen.losses)
    return fleet_of(plan, simulate_fuel_fleet(plan))


def _scored(rows: pl.DataFrame, model: Model, numbers: Callable[[pl.DataFrame], F64]) -> pl.DataFrame:
    return rows.with_columns(score=pl.Series(model.predict_proba(numbers(rows))[:, 1]))


def _out_of_fold(make: Callable[[], Model], numbers: F64, is_theft: Any, group: Any) -> F64:
    told = np.empty(len(numbers))
    for known, new in GroupKFold(FOLDS).split(numbers, is_theft, group):
        told[new] = make().fit(numbers[known], is_theft[known]).predict_proba(numbers[new])[:, 1]
    return told


def _joined(fleets: Mapping[int, Fleet], scores: Mapping[int, pl.DataFrame]) -> Judged:
    """Fleets judged one by one, as one."""
    judged = [judge(scores[seed].select(SCORED.names()), fleet.truth) for seed, fleet in fleets.items()]
    return Judged(
        pl.concat(one.found for one in judged), pl.concat(one.thefts for one in judged),
        sum(one.vehicle_months for one in judged),
    )  # fmt: skip


def _show(name: str, training: Judged, held: Judged) -> None:
    here, there = curve(held), curve(training)
    areas = [f"{average_precision(points):.3f}" for points in (here, there)]
    print(
        f"\n## {name}: PR-AUC {areas[0]} on held fleets ({held.found.height} candidates, "
        f"{held.thefts['is_seen'].sum()} thefts that can be seen), {areas[1]} on training fleets"
    )
    for rate in ALARM_RATES:
        own, set_there = at_rate(here, rate), at_threshold(here, at_rate(there, rate).threshold)
        print(
            f"at {rate:g}: recall {set_there.recall:.3f} with {set_there.false_a_month:.2f} false alarms had "
            f"(threshold of training fleets); {own.recall:.3f} at the best threshold of the held fleets"
        )
    threshold = at_rate(there, TOLD_RATE).threshold
    seen = held.thefts.filter("is_seen")
    strata = by_stratum(seen, {"recall": is_found(threshold).mean(), "bound": pl.col("bound").mean()})
    _print(strata.filter(pl.col("by").is_in(["size, while off", "volume over noise", "counter", "levels apart"])))
    _print(false_by_cause(held, threshold))


def _calibrated(rows: pl.DataFrame) -> None:
    told = rows.filter(pl.col("verdict") != "loss")
    is_theft = told["verdict"].is_in(["theft", "unseen"]).cast(pl.Float64).to_numpy()
    found = calibration(told["score"].to_numpy(), is_theft, told["group"].rank("dense").cast(pl.Int64).to_numpy())
    print(found)


def _print(rows: pl.DataFrame) -> None:
    with pl.Config(tbl_rows=60, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, float_precision=3,
                   tbl_formatting="ASCII_MARKDOWN"):  # fmt: skip
        print(rows)


if __name__ == "__main__":
    main()
