"""Which events of a simulated fleet are thefts, other losses or harmless, and how well a theft can be found at all."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from fleet_assets.core.theft.bound import with_bound
from fleet_assets.core.theft.truth import CONFIRMED, truth_of
from fleet_assets.simulator.fuel.plan import IncidentRates
from fleet_assets.simulator.fuel_fleet import FuelFleetPlan, simulate_fuel_fleet
from fleet_assets_tests.core.theft.cases import thefts

VEHICLES = pl.DataFrame({"vehicle_id": ["a", "b"], "sender": ["level_only", "silent"]})


def _trips(count: int) -> pl.DataFrame:
    return pl.DataFrame({"vehicle_id": ["a"] * count})


def test_the_bound_rises_with_volume_over_noise_and_falls_with_the_number_of_stays() -> None:
    weak, strong = (thefts(("a", 0, 5, 20), snr=snr) for snr in (3.0, 6.0))
    few, many = (with_bound(weak.drop("bound"), _trips(count), VEHICLES, 1.0)["bound"][0] for count in (10, 1_000))
    assert few > many
    assert with_bound(strong.drop("bound"), _trips(1_000), VEHICLES, 1.0)["bound"][0] > 0.99


def test_the_bound_of_a_theft_at_the_threshold_is_a_half() -> None:
    # 0.2 false alarms in 100 stays: a normal variable exceeds 2.878 in two of a thousand.
    at = thefts(("a", 0, 5, 20), snr=2.878).drop("bound")
    assert with_bound(at, _trips(100), VEHICLES, 1.0)["bound"][0] == pytest.approx(0.5, abs=0.001)


def test_a_sender_without_a_trip_has_no_bound() -> None:
    other = thefts(("b", 0, 5, 20)).with_columns(sender=pl.lit("silent")).drop("bound")
    assert with_bound(other, _trips(10), VEHICLES, 1.0)["bound"].to_list() == [None]


def test_every_event_of_a_fleet_is_a_theft_another_loss_or_a_cause() -> None:
    plan = FuelFleetPlan(vehicles=3, days=12, seed=5, rates=IncidentRates().with_losses(40))
    tables = simulate_fuel_fleet(plan).truth
    told = truth_of(tables, plan.starts_at, plan.ends_at)
    assert told.until == plan.ends_at - CONFIRMED
    assert told.vehicle_months == pytest.approx(1.0)
    assert told.thefts.height > 0
    assert told.thefts["bound"].is_between(0, 1).all()
    assert (told.thefts["ended_at"] < told.until).all()
    kinds = set(tables["events"]["kind"]) | set(tables["faults"]["kind"])
    assert kinds == {"theft"} | set(told.losses["kind"]) | set(told.others["kind"])


def test_what_is_not_over_in_time_need_not_be_found() -> None:
    plan = FuelFleetPlan(vehicles=2, days=6, seed=5, rates=IncidentRates().with_losses(40))
    tables = simulate_fuel_fleet(plan).truth
    ended = pl.lit(plan.ends_at - timedelta(days=1)).alias("ended_at")
    late = tables["events"].head(1).with_columns(pl.lit("theft").alias("kind"), ended)
    assert truth_of(tables | {"events": late}, plan.starts_at, plan.ends_at).thefts.is_empty()
