"""Ways to learn which falls are thefts, from the packaged fleets, judged on vehicles that none of them has seen.

Usage: python benchmarks/bench_theft_models.py

Probabilities and thresholds come from scores that each vehicle of the fitting fleets gets of a model that has not seen
it (five folds by vehicle). Everything is told of the held fleets.
"""

from __future__ import annotations

import time

import polars as pl

from fleet_assets.adapters.theft_prior import read_prior
from fleet_assets.core.theft.model.compare import estimator_figures, rule_figures
from fleet_assets.core.theft.model.estimators import LEARNERS
from fleet_assets.core.theft.model.prior import Prior, training_rows


def main() -> None:
    prior = read_prior()
    rows = training_rows(prior)
    tables = [_timed(name, rows, prior) for name in LEARNERS]
    every = pl.concat([*tables, prior.detectors])
    print(f"{rows.height} labelled candidates, {rows.filter('is_held').height} of them held out")
    with pl.Config(tbl_rows=200, tbl_cols=20, tbl_hide_dataframe_shape=True, tbl_width_chars=200, float_precision=3):
        for by in ("all", "size, while off", "volume over noise"):
            told = every.filter((pl.col("by") == by) & (pl.col("measure") != "bound"))
            index = ["stratum", "measure"]
            print(told.pivot(on="method", index=index, values="value", aggregate_function="first"))
        print(every.filter(pl.col("measure") == "calibration error"))
        print(rule_figures(prior))


def _timed(name: str, rows: pl.DataFrame, prior: Prior) -> pl.DataFrame:
    began = time.perf_counter()
    found = estimator_figures(name, rows, prior)
    print(f"{name}: {time.perf_counter() - began:.1f} s")
    return found


if __name__ == "__main__":
    main()
