"""Fuel events against the truth of a simulated fleet of tanks, beside two readings over a threshold and the bound.

Usage: python benchmarks/bench_fuel_events.py [--vehicles 60] [--days 45] [--seed 1] [--losses 5]

The fleet has ten kinds of senders in turn, with their faults and hard cases; `--losses` multiplies thefts, siphoning
and leaks, which at their real rate are a dozen in such a fleet. A found event is the true one if both are of one
vehicle and kind and at most `TOLERANCE` apart, each once. The bound of a theft is what a rule could find that knows
litres burned and both levels as well as the sender allows: the chance that a normal variable around the theft's ratio
of volume to noise exceeds the threshold at which a vehicle's stays give 0.2 false alarms.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import NormalDist

import polars as pl
from polars.dataframe.group_by import GroupBy

from fleet_assets.commands.simulated_tanks import capacities, tanks_of
from fleet_assets.contracts import ENERGY_PRICES
from fleet_assets.core.against_truth import pair_events
from fleet_assets.core.fuel import FuelEventRules, fuel_events
from fleet_assets.core.theft.bound import with_bound
from fleet_assets.core.theft.evaluation import TOLERANCE, false_by_cause, judge
from fleet_assets.core.theft.siphoning import slow_losses
from fleet_assets.core.theft.strata import by_stratum, cut
from fleet_assets.core.theft.truth import CONFIRMED, truth_of
from fleet_assets.simulator.fuel_fleet import FuelFleet, FuelFleetPlan, IncidentRates, simulate_fuel_fleet

LARGE_L = 15.0
SNRS = (3.0, 5.0, 10.0)
LOSSES = ("theft", "slow_loss")
TWO_READINGS_L = 10.0

Finder = Callable[[FuelFleet, FuelFleetPlan], pl.DataFrame]
"""Found events: vehicle_id, kind, started_at, ended_at, volume (l)."""


def two_readings(fleet: FuelFleet, _plan: FuelFleetPlan) -> pl.DataFrame:
    """The rule of simple trackers: two readings one after the other that differ by ten litres."""
    tank = fleet.truth["vehicles"].select("vehicle_id", "tank_l")
    litres = pl.coalesce("fuel_level_l", pl.col("fuel_level_pct") / 100 * pl.col("tank_l"))
    known = fleet.telemetry.join(tank, on="vehicle_id", maintain_order="left").with_columns(litres=litres)
    known = known.filter(pl.col("litres").is_not_null())
    change = pl.col("litres").diff().over("vehicle_id")
    at = pl.col("recorded_at")
    steps = known.select(
        "vehicle_id", started_at=at.shift(1).over("vehicle_id"), ended_at=at, volume=change.abs(), rises=change > 0
    )
    kind = pl.when("rises").then(pl.lit("refuel")).otherwise(pl.lit("theft"))
    return steps.filter(pl.col("volume") >= TWO_READINGS_L).with_columns(kind=kind).drop("rises")


def fuel_tables(fleet: FuelFleet, plan: FuelFleetPlan) -> pl.DataFrame:
    """What the platform derives: plateaus, their balance, and events; an unknown tank has its true size."""
    tanks = tanks_of(fleet, plan)
    reference = tanks.vehicles.lazy(), tanks.zones.lazy(), ENERGY_PRICES.empty().lazy()
    found = fuel_events(tanks.balance.lazy(), tanks.outages.lazy(), *reference, tanks.window).collect()
    sized = found.join(capacities(fleet), on="vehicle_id")
    litres = pl.coalesce("volume_l", pl.col("change_pct").abs() / 100 * pl.col("capacity_l"))
    return sized.select("vehicle_id", "kind", "started_at", "ended_at", volume=litres)


def measure(fleet: FuelFleet, plan: FuelFleetPlan, name: str, finder: Finder) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    found = finder(fleet, plan)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    print(f"\n## {name}: {seconds:.1f} s, {used:.1f} s of processor; found {_counts(found)}")
    end = plan.ends_at
    events = fleet.truth["events"].rename({"litres": "volume"}).filter(pl.col("ended_at") < end - CONFIRMED)
    found = found.filter(pl.col("started_at") < end - CONFIRMED)
    _show(refuels(found, events, fleet))
    _show(refuels_by_noise(found, events))
    _show(thefts(found, events, fleet, plan))
    _show(strata(found, events))
    _show(siphoning(found, events))
    _show(false_thefts(found, fleet, plan))


def refuels(found: pl.DataFrame, events: pl.DataFrame, fleet: FuelFleet) -> pl.DataFrame:
    """Per sender: recall and precision of large refuels, the bound by their noise, and the error of their volume in %
    of the tank."""
    mine, true = (frame.filter(pl.col("kind") == "refuel") for frame in (found, events))
    pairs = _pairs(mine, true)
    capacity = pl.col("tank_l") + pl.col("tank_2_l").fill_null(0)
    size = fleet.truth["vehicles"].select("vehicle_id", "sender", capacity_l=capacity)
    large = pl.col("volume").fill_null(LARGE_L) >= LARGE_L
    mine = mine.with_row_index("found").filter(large)
    mine = mine.join(pairs, on="found", how="left").join(size, on="vehicle_id")
    true = true.drop("sender").with_row_index("true").filter(large)
    true = true.join(pairs, on="true", how="left").join(size, on="vehicle_id")
    error = 100 * pl.col("volume_error").abs() / pl.col("capacity_l")
    recalled = _with_all(true).agg(
        refuels=pl.len(), recall=pl.col("found").is_not_null().mean(), bound=_shown().mean(),
        median_error_pct=error.median(), p90_error_pct=error.quantile(0.9),
    )  # fmt: skip
    right = _with_all(mine).agg(found=pl.len(), precision=pl.col("true").is_not_null().mean())
    return recalled.join(right, on="sender", how="full", coalesce=True).sort(pl.col("sender") == "all", "sender")


def refuels_by_noise(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Large refuels by volume over noise."""
    mine, true = (frame.filter(pl.col("kind") == "refuel") for frame in (found, events))
    judged = true.with_row_index("true").join(_pairs(mine, true), on="true", how="left")
    large = judged.filter(pl.col("volume") >= LARGE_L)
    return large.group_by(volume_over_noise=cut(pl.col("snr"), SNRS)).agg(
        refuels=pl.len(), recall=pl.col("found").is_not_null().mean()
    ).sort("volume_over_noise")  # fmt: skip


def _with_all(rows: pl.DataFrame) -> GroupBy:
    """Groups by sender, and one of all."""
    return pl.concat([rows, rows.with_columns(sender=pl.lit("all"))]).group_by("sender")


def thefts(found: pl.DataFrame, events: pl.DataFrame, fleet: FuelFleet, plan: FuelFleetPlan) -> pl.DataFrame:
    """Per sender: thefts, how many were found as such or as any loss, and the bound by their noise."""
    months = plan.days / 30
    judged = with_bound(_judged(found, events), fleet.truth["trips"], fleet.truth["vehicles"], months)
    table = _with_all(judged).agg(
        thefts=pl.len(), litres=pl.col("volume").median(), snr=pl.col("snr").median(), recall=pl.col("is_theft").mean(),
        as_any_loss=pl.col("is_loss").mean(), bound=pl.col("bound").mean(), masked=pl.col("is_masked").sum(),
    )  # fmt: skip
    return table.sort(pl.col("sender") == "all", "sender")


def strata(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Thefts by stratum: found as such, and as any loss."""
    measures = {"recall": pl.col("is_theft").mean(), "as_any_loss": pl.col("is_loss").mean()}
    return by_stratum(_judged(found, events), measures)


def _judged(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """True thefts, with whether each was found as a theft, and as a loss of any kind."""
    true = events.filter(pl.col("kind") == "theft").with_row_index("true")
    as_theft = _pairs(found.filter(pl.col("kind") == "theft"), true)["true"]
    as_loss = _pairs(found.filter(pl.col("kind").is_in(LOSSES)), true)["true"]
    return true.with_columns(
        is_theft=pl.col("true").is_in(as_theft.implode()), is_loss=pl.col("true").is_in(as_loss.implode())
    )


def _shown() -> pl.Expr:
    """Chance that a refuel shows beyond the deviations from which a change is one, by the noise of its sender."""
    normal = NormalDist()
    return pl.col("snr").map_elements(lambda snr: normal.cdf(snr - FuelEventRules.sigma), pl.Float64)


def siphoning(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Series of siphoning and leaks: how many were found at all, and series within five nights of loss."""
    slow = slow_losses(found.filter(pl.col("kind").is_in(LOSSES)), events)
    return slow.group_by("kind", "reports_while_off").agg(
        count=pl.len(), litres=pl.col("volume").median(), found=pl.col("is_found").mean(),
        within_five_nights=pl.col("is_early").mean(),
    ).sort("kind", "reports_while_off")  # fmt: skip


def false_thefts(found: pl.DataFrame, fleet: FuelFleet, plan: FuelFleetPlan) -> pl.DataFrame:
    """Found thefts that are none, by what was really there (loss: siphoning, leaks), and how many a vehicle and
    month."""
    mine = found.filter(pl.col("kind") == "theft").drop("kind").with_columns(score=pl.lit(1.0))
    judged = judge(mine.rename({"volume": "volume_l"}), truth_of(fleet.truth, plan.starts_at, plan.ends_at))
    return false_by_cause(judged, 1.0)


def _pairs(found: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    return pair_events(found, true, TOLERANCE)


def _counts(found: pl.DataFrame) -> str:
    kinds = found.group_by("kind").len().sort("kind")
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.iter_rows()) or "nothing"


def _show(table: pl.DataFrame) -> None:
    with pl.Config(
        tbl_rows=40, tbl_cols=20, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, float_precision=3,
        tbl_formatting="ASCII_MARKDOWN", tbl_width_chars=160,
    ):  # fmt: skip
        print(table, "\n")


FINDERS: dict[str, Finder] = {"the fuel tables": fuel_tables, "two readings over 10 l": two_readings}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=60)
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--losses", type=float, default=5.0)
    chosen = parser.parse_args()
    plan = FuelFleetPlan(chosen.vehicles, chosen.days, chosen.seed, rates=IncidentRates().with_losses(chosen.losses))
    began = time.perf_counter()
    fleet = simulate_fuel_fleet(plan)
    first = plan.starts_at.date()
    print(
        f"{plan.vehicles} vehicles, {plan.days} days from {first}, seed {plan.seed}, "
        f"{chosen.losses:g} times the losses: "
        f"{fleet.telemetry.height:,} rows in {time.perf_counter() - began:.1f} s; "
        f"true events {_counts(fleet.truth['events'])}; faults {_counts(fleet.truth['faults'])}"
    )
    for name, finder in FINDERS.items():
        measure(fleet, plan, name, finder)


if __name__ == "__main__":
    main()
