"""Fuel events against the truth of a simulated fleet of tanks, beside two readings over a threshold and the bound.

Usage: python benchmarks/bench_fuel_events.py [--vehicles 60] [--days 45] [--seed 1] [--losses 5]

The fleet has ten kinds of senders in turn, with their faults and hard cases; `--losses` multiplies thefts, siphoning
and leaks, which at their real rate are a dozen in such a fleet. A found event is the true one if both are of one
vehicle and kind and at most `TOLERANCE` apart, each once. The bound of a theft is what a rule could find that knows
litres burned and both levels as well as the sender allows: the chance that a normal variable around the theft's ratio
of volume to noise exceeds the threshold at which a vehicle's stays give `ALARMS_A_MONTH` false alarms.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import NormalDist

import polars as pl
from polars.dataframe.group_by import GroupBy

from fleet_assets.core.against_truth import pair_events
from fleet_assets.contracts import ENERGY_PRICES, INGEST_OUTAGES, TANK_CALIBRATIONS, VEHICLES, ZONES
from fleet_assets.core.fuel import FuelEventRules, fuel_balance, fuel_events, fuel_plateaus
from fleet_assets.core.ingest import hourly_ingest
from fleet_assets.core.outages import find_outages
from fleet_assets.core.window import Window
from fleet_assets.simulator.fuel_fleet import FuelFleet, FuelFleetPlan, IncidentRates, simulate_fuel_fleet

TOLERANCE = timedelta(minutes=15)
"""The slowest tracker speaks every ten minutes."""
LARGE_L = 15.0
CONFIRMED = timedelta(days=2)
"""What happens so short before the end may not be final yet: it is left out of what should have been found."""
ALARMS_A_MONTH = 0.2
SNRS = (3.0, 5.0, 10.0)
NIGHTS = 5
LOSSES = ("theft", "slow_loss")
CAUSES = (
    "siphoning", "leak", "cans", "generator", "spill", "transfer", "pto", "refuel", "scale_change", "swap", "zero",
    "filler", "outage", "gap", "parked_step",
)  # fmt: skip
"""What a false theft may really be, the likeliest first; anything else is noise, slope, heat or slosh."""
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
    first = plan.starts_at
    window = Window(first, first, first + timedelta(days=plan.days))
    fleet_rows, curves = VEHICLES.conform(fleet.vehicles.lazy()), TANK_CALIBRATIONS.conform(fleet.calibrations.lazy())
    plateaus = fuel_plateaus(fleet.telemetry.lazy(), vehicles=fleet_rows).collect()
    balance = fuel_balance(plateaus.lazy(), fleet_rows, curves, window).collect()
    zones, prices = ZONES.conform(fleet.zones.lazy()), ENERGY_PRICES.empty().lazy()
    found = fuel_events(balance.lazy(), _outages(fleet.telemetry, window), fleet_rows, zones, prices, window).collect()
    capacity = pl.col("tank_l") + pl.col("tank_2_l").fill_null(0)
    sized = found.join(fleet.truth["vehicles"].select("vehicle_id", capacity_l=capacity), on="vehicle_id")
    litres = pl.coalesce("volume_l", pl.col("change_pct").abs() / 100 * pl.col("capacity_l"))
    return sized.select("vehicle_id", "kind", "started_at", "ended_at", volume=litres)


def _outages(telemetry: pl.DataFrame, window: Window) -> pl.LazyFrame:
    """Outages of the sources, as the platform finds them in hourly counts."""
    rows = telemetry.lazy()
    sources = telemetry["source"].unique().sort()
    hours = pl.concat([hourly_ingest(rows.filter(pl.col("source") == source), source) for source in sources]).collect()
    return pl.concat([find_outages(hours.lazy(), day) for day in window.days(INGEST_OUTAGES.look_back)])


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
    _show(by_stratum(found, events))
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
    return large.group_by(volume_over_noise=_cut(pl.col("snr"), SNRS)).agg(
        refuels=pl.len(), recall=pl.col("found").is_not_null().mean()
    ).sort("volume_over_noise")  # fmt: skip


def _with_all(rows: pl.DataFrame) -> GroupBy:
    """Groups by sender, and one of all."""
    return pl.concat([rows, rows.with_columns(sender=pl.lit("all"))]).group_by("sender")


def thefts(found: pl.DataFrame, events: pl.DataFrame, fleet: FuelFleet, plan: FuelFleetPlan) -> pl.DataFrame:
    """Per sender: thefts, how many were found as such or as any loss, and the bound by their noise."""
    months = fleet.truth["vehicles"].group_by("sender").agg(months=pl.len() * plan.days / 30)
    stays = fleet.truth["trips"].join(fleet.truth["vehicles"].select("vehicle_id", "sender"), on="vehicle_id")
    busy = stays.group_by("sender").agg(stays=pl.len()).join(months, on="sender")
    judged = _judged(found, events).join(busy, on="sender").with_columns(_bound())
    table = _with_all(judged).agg(
        thefts=pl.len(), litres=pl.col("volume").median(), snr=pl.col("snr").median(), recall=pl.col("is_theft").mean(),
        as_any_loss=pl.col("is_loss").mean(), bound=pl.col("bound").mean(), masked=pl.col("is_masked").sum(),
    )  # fmt: skip
    return table.sort(pl.col("sender") == "all", "sender")


def by_stratum(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Thefts by volume over noise, by whether the sender reports while off, by minutes and by counter."""
    judged = _judged(found, events)
    minutes = (pl.col("ended_at") - pl.col("started_at")).dt.total_seconds() / 60
    apart = pl.when(pl.col("gap_s") > 3600).then(pl.lit("over an hour")).otherwise(pl.lit("an hour at most"))
    strata = {
        "volume over noise": _cut(pl.col("snr"), SNRS),
        "minutes": _cut(minutes, (1, 5)),
        "litres": _cut(pl.col("volume"), (20, 50)),
        "while off": pl.when("reports_while_off").then(pl.lit("reports")).otherwise(pl.lit("silent")),
        "counter": pl.when("has_counter").then(pl.lit("yes")).otherwise(pl.lit("no")),
        "levels apart": apart,
    }
    parts = [
        judged.group_by(stratum=stratum).agg(
            thefts=pl.len(), recall=pl.col("is_theft").mean(), as_any_loss=pl.col("is_loss").mean()
        ).sort("stratum").select(pl.lit(name).alias("by"), pl.col("stratum").cast(pl.String), pl.exclude("stratum"))
        for name, stratum in strata.items()
    ]  # fmt: skip
    return pl.concat(parts)


def _cut(value: pl.Expr, bounds: Sequence[float]) -> pl.Expr:
    names = [f"below {bounds[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(bounds)), f"{bounds[-1]:g} and more"]
    return value.bin_intervals(bounds, labels=names)


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


def _bound() -> pl.Expr:
    """Chance to find a theft at the threshold that its sender's stays allow."""
    normal, looks = NormalDist(), pl.col("stays") / pl.col("months")
    return pl.struct("snr", looks.alias("looks")).map_elements(
        lambda row: normal.cdf(row["snr"] - normal.inv_cdf(1 - ALARMS_A_MONTH / row["looks"])), pl.Float64
    ).alias("bound")  # fmt: skip


def siphoning(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Series of siphoning and leaks: how many were found at all, and series within five nights of loss."""
    losses = found.filter(pl.col("kind").is_in(LOSSES))
    losses = losses.select("vehicle_id", begins="started_at", ends="ended_at")
    series = events.filter(pl.col("kind") == "siphoning").sort("started_at").group_by("series").agg(
        pl.col("vehicle_id", "reports_while_off").first(), kind=pl.lit("siphoning"),
        started_at=pl.col("started_at").first(), ended_at=pl.col("ended_at").last(),
        fifth_at=pl.col("ended_at").head(NIGHTS).last(), volume=pl.col("volume").sum(),
    )  # fmt: skip
    leaks = events.filter(pl.col("kind") == "leak").with_columns(
        series=pl.col("vehicle_id") + pl.int_range(pl.len()).cast(pl.String), fifth_at=pl.col("ended_at")
    )
    slow = pl.concat([series, leaks.select(series.columns)])
    at, day = pl.col("started_at"), timedelta(days=1)
    hits = slow.join(losses, on="vehicle_id", suffix="_found").filter(
        (pl.col("begins") <= pl.col("ended_at") + day) & (pl.col("ends") >= at - day)
    )
    early = hits.filter(pl.col("begins") <= pl.col("fifth_at") + day)
    return slow.with_columns(
        is_found=pl.col("series").is_in(hits["series"].unique().implode()),
        is_early=pl.col("series").is_in(early["series"].unique().implode()),
    ).group_by("kind", "reports_while_off").agg(
        count=pl.len(), litres=pl.col("volume").median(), found=pl.col("is_found").mean(),
        within_five_nights=pl.col("is_early").mean(),
    ).sort("kind", "reports_while_off")  # fmt: skip


def false_thefts(found: pl.DataFrame, fleet: FuelFleet, plan: FuelFleetPlan) -> pl.DataFrame:
    """Found thefts that are none, by what was really there, and how many a vehicle and month."""
    mine = found.filter(pl.col("kind") == "theft").with_row_index("found")
    true = fleet.truth["events"].filter(pl.col("kind") == "theft").rename({"litres": "volume"})
    wrong = mine.join(_pairs(mine.drop("found"), true), on="found", how="anti")
    columns = ("vehicle_id", "kind", "started_at", "ended_at")
    there = pl.concat([fleet.truth[name].select(columns) for name in ("events", "faults")])
    there = there.filter(pl.col("kind") != "theft").select(pl.all().name.suffix("_true"))
    ranks = {name: rank for rank, name in enumerate(CAUSES)}
    causes = wrong.join_where(
        there,
        pl.col("vehicle_id") == pl.col("vehicle_id_true"),
        pl.col("started_at_true") <= pl.col("ended_at") + TOLERANCE,
        pl.col("ended_at_true") >= pl.col("started_at") - TOLERANCE,
    ).with_columns(rank=pl.col("kind_true").replace_strict(ranks, return_dtype=pl.Int64))
    first = causes.sort("rank").group_by("found", maintain_order=True).agg(cause=pl.col("kind_true").first())
    months = plan.vehicles * plan.days / 30
    named = wrong.join(first, on="found", how="left").with_columns(pl.col("cause").fill_null("noise"))
    return named.group_by("cause").agg(
        false_thefts=pl.len(), a_vehicle_month=pl.len() / months, litres=pl.col("volume").median()
    ).sort("false_thefts", descending=True)  # fmt: skip


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
