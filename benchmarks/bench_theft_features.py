"""Features of theft candidates of a year of 100 vehicles, against the same formulas in pandas, group by group.

Usage: python benchmarks/bench_theft_features.py [--vehicles 100] [--months 12] [--sample 300] [--rounds 3]

A fleet of 20 simulated vehicles over a month on its way through the fuel tables is repeated until it is large enough.
The features of all its candidates are computed at once; pandas gets a sample of them, with a frame per vehicle, as
`groupby("vehicle_id").apply` hands it over, and one per source. Rates are candidates a second; what both say of the
sample has to be equal.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from statistics import median

import numpy as np
import pandas as pd
import polars as pl

from fleet_assets.commands.benchmark import plan_of
from fleet_assets.commands.simulated_tanks import Tanks, tanks_of
from fleet_assets.core.fuel.change_frames import stay_frame, told_in_litres
from fleet_assets.core.fuel.series import series_of
from fleet_assets.core.fuel.stays import find_changes
from fleet_assets.core.theft.candidates import falls_of
from fleet_assets.core.theft.features import Known, with_features
from fleet_assets.core.theft.rules import FeatureRules, TheftRules
from fleet_assets.simulator.fuel_fleet import simulate_fuel_fleet

SIMULATED, DAYS = 20, 30
TARGET = 50.0
SAME = (
    "driven_km", "idle_s", "driven_before_km", "noise_pct", "noise_ratio", "bias_share", "fault_count",
    "returned_per_stay", "falls_per_stay", "simultaneous_share",
)  # fmt: skip
"""Features that look at other rows: those of the fall itself are arithmetic on one row in either program."""
RULES = TheftRules()


def repeated(tanks: Tanks, vehicles: int, months: int) -> pl.DataFrame:
    """The balance of the fleet beside itself under other names, month after month."""
    instants = [name for name, kind in tanks.balance.schema.items() if isinstance(kind, pl.Datetime)]
    parts = [
        tanks.balance.with_columns(
            pl.col(instants) + timedelta(days=DAYS * month), pl.format("{}-{}", "vehicle_id", pl.lit(copy))
        )
        for copy in range(vehicles // SIMULATED)
        for month in range(months)
    ]
    return pl.concat(parts).sort("vehicle_id", "ended_at")


def known_of(balance: pl.DataFrame, tanks: Tanks) -> Known:
    """What features are computed from, the candidates (`falls`) included."""
    series = series_of(balance)
    in_litres = told_in_litres(series, balance)
    found = find_changes(series, RULES.candidates, in_litres)
    unmarked = falls_of(series, found, balance, in_litres)
    falls = unmarked.with_columns(in_outage=pl.lit(value=False), is_of_source=pl.lit(value=False))
    names = balance.select("vehicle_id").unique(maintain_order=True)
    return Known(
        balance, series, falls, stay_frame(series, found, balance, in_litres), tanks.zones,
        tanks.vehicles.clear().join(names, on="vehicle_id", how="right").select(tanks.vehicles.columns),
    )  # fmt: skip


def ours(known: Known) -> pl.DataFrame:
    return with_features(known.falls, known, RULES.features, "UTC")


class InPandas:
    """The same formulas on frames of pandas: a group of candidates with the rows of its vehicle at a time."""

    def __init__(self, known: Known) -> None:
        rules: FeatureRules = RULES.features
        self.rules, self.history = rules, pd.Timedelta(days=rules.history_days)
        self.reach = pd.Timedelta(seconds=rules.together_s)
        balance = known.balance.select(
            "vehicle_id", "source", "started_at", "ended_at", "after_ended_at", "driven_km", "idle_s", "litres_per_pct",
            "unexplained_pct", "unexplained_sd_pct", "unexplained_l", "unexplained_sd_l", "burned_pct", "burned_l",
            "step", "skipped_count",
        ).to_pandas()  # fmt: skip
        litres = balance["litres_per_pct"]
        balance["off"] = balance["unexplained_pct"].fillna(balance["unexplained_l"] / litres)
        balance["sd"] = balance["unexplained_sd_pct"].fillna(balance["unexplained_sd_l"] / litres)
        balance["burned"] = balance["burned_pct"].fillna(balance["burned_l"] / litres)
        self.by_vehicle = dict(iter(balance.groupby("vehicle_id")))
        self.by_source = dict(iter(balance.groupby("source")))
        self.falls = dict(iter(known.falls.select("vehicle_id", "closed_at", "kind").to_pandas().groupby("vehicle_id")))
        self.stays = dict(iter(known.stays.select("vehicle_id", "closed_at").to_pandas().groupby("vehicle_id")))

    def of(self, sample: pd.DataFrame) -> pd.DataFrame:
        found: pd.DataFrame = sample.groupby("vehicle_id", group_keys=False)[sample.columns.tolist()].apply(
            lambda group: group.apply(self._features, axis=1)
        )
        return found

    def _features(self, one: pd.Series) -> pd.Series:
        rows = self.by_vehicle[one.vehicle_id]
        begin, start, end = one.started_at - self.history, one.started_at, one.ended_at
        within = rows[(rows.ended_at > start) & (rows.ended_at <= end)]
        before = rows[
            (rows.after_ended_at > start - pd.Timedelta(seconds=self.rules.before_s)) & (rows.after_ended_at <= start)
        ]
        past = rows[(rows.after_ended_at > begin) & (rows.after_ended_at <= start)]
        sigmas = (past.off / past.sd).clip(-self.rules.most_sigmas, self.rules.most_sigmas)
        quiet = past[past.step.isna()]
        burned = quiet.burned.sum()
        told = self.falls[one.vehicle_id]
        falls = told[(told.closed_at > begin) & (told.closed_at <= start)]
        rested = self.stays[one.vehicle_id]
        stays = ((rested.closed_at > begin) & (rested.closed_at <= start)).sum()
        returned = (falls.kind == "returned").sum()
        return pd.Series({
            "driven_km": within.driven_km.sum(), "idle_s": within.idle_s.sum(),
            "driven_before_km": before.driven_km.sum(),
            "noise_pct": np.sqrt(((sigmas * past.sd) ** 2).sum() / len(past)) if len(past) else np.nan,
            "noise_ratio": np.sqrt((sigmas**2).sum() / len(past)) if len(past) else np.nan,
            "bias_share": quiet.off.sum() / burned if burned > 20 else np.nan,
            "fault_count": (past.skipped_count > 0).sum(),
            "returned_per_stay": returned / stays if stays else np.nan,
            "falls_per_stay": (len(falls) - returned) / stays if stays else np.nan,
            "simultaneous_share": self._together(one),
        })  # fmt: skip

    def _together(self, one: pd.Series) -> float:
        rows = self.by_source[one.source]
        until = min(one.ended_at + self.reach, one.closed_at)
        near = rows[
            (rows.ended_at <= until)
            & (rows.after_ended_at >= one.ended_at - self.reach)
            & (rows.vehicle_id != one.vehicle_id)
        ]
        off = near.unexplained_pct.fillna(near.unexplained_l)
        sd = near.unexplained_sd_pct.fillna(near.unexplained_sd_l)
        fell = near[
            (near.ended_at >= one.ended_at - self.reach)
            & (near.ended_at - near.started_at <= self.reach)
            & (off <= -self.rules.together_sigma * sd)
        ]
        heard = near.vehicle_id.nunique()
        return fell.vehicle_id.nunique() / heard if heard else float("nan")


def timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=100, help=f"a multiple of {SIMULATED}")
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    plan = plan_of(SIMULATED, DAYS / 30, 1, 5.0)
    tanks = tanks_of(simulate_fuel_fleet(plan), plan)
    known = known_of(repeated(tanks, chosen.vehicles, chosen.months), tanks)
    found = ours(known)
    rows = found.with_row_index("row").filter(pl.col("source").is_not_null()).sample(chosen.sample, seed=1).sort("row")
    sample = rows.select("row", "vehicle_id", "source", "started_at", "ended_at", "closed_at").to_pandas()
    peer = InPandas(known)
    _equal(rows.select(SAME).to_pandas(), peer.of(sample)[list(SAME)].sort_index())
    own, theirs = [], []
    for _ in range(chosen.rounds):
        own.append(found.height / timed(lambda: ours(known)))
        theirs.append(chosen.sample / timed(lambda: peer.of(sample)))
    ratio = median(own) / median(theirs)
    print(
        f"{chosen.vehicles} vehicles, {chosen.months * DAYS} days, {known.balance.height:,} pairs of levels, "
        f"{found.height:,} candidates; polars {version('polars')}, pandas {version('pandas')}, "
        f"Python {sys.version.split()[0]}; candidates a second of processor time, median of {chosen.rounds}"
    )
    print(f"ours {median(own):,.0f}, pandas {median(theirs):,.1f} (of a sample of {chosen.sample}): {ratio:,.0f} x")
    print(f"{'holds' if ratio >= TARGET else 'MISSES'} the bound of {TARGET:g} x")


def _equal(mine: pd.DataFrame, theirs: pd.DataFrame) -> None:
    for name in SAME:
        np.testing.assert_allclose(
            mine[name].to_numpy(float), theirs[name].to_numpy(float), rtol=1e-6, atol=1e-6, err_msg=name
        )


if __name__ == "__main__":
    main()
