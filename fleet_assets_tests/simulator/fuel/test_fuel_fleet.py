"""A fleet of tanks: its truth adds up, its rows keep the contract, and what happens happens as often as asked for."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleet_assets.contracts import TANK_CALIBRATIONS, TELEMETRY, VEHICLES
from fleet_assets.contracts.errors import UsageError
from fleet_assets.simulator.fuel.faults import FILLER_PCT
from fleet_assets.simulator.fuel.rows import LEVELS, litres_in
from fleet_assets.simulator.fuel.weeks import keep_diary
from fleet_assets.simulator.fuel_fleet import (
    CALM,
    ROW_SCHEMA,
    SENDER_KINDS,
    FuelFleet,
    FuelFleetPlan,
    make_fuel_roster,
    simulate_fuel_fleet,
)

LOSSES = ("theft", "siphoning", "leak", "spill", "cans", "generator")


def _with_vehicles(fleet: FuelFleet, name: str, *columns: str) -> pl.DataFrame:
    return fleet.truth[name].join(fleet.truth["vehicles"].select("vehicle_id", *columns), on="vehicle_id")


def test_a_fleet_of_nobody_has_its_columns() -> None:
    for plan in (FuelFleetPlan(vehicles=0), FuelFleetPlan(vehicles=2, days=0)):
        fleet = simulate_fuel_fleet(plan)
        assert fleet.telemetry.schema == ROW_SCHEMA
        assert fleet.telemetry.height == 0
        assert fleet.truth["events"].height == 0
        assert "snr" in fleet.truth["events"].columns
    with pytest.raises(UsageError):
        FuelFleetPlan(vehicles=-1)


def test_equal_plans_give_equal_fleets_and_a_larger_one_begins_with_the_smaller(plan: FuelFleetPlan) -> None:
    few = FuelFleetPlan(vehicles=3, days=5, seed=plan.seed)
    one, again = simulate_fuel_fleet(few), simulate_fuel_fleet(few)
    more = simulate_fuel_fleet(FuelFleetPlan(vehicles=4, days=5, seed=plan.seed))
    other = simulate_fuel_fleet(FuelFleetPlan(vehicles=3, days=5, seed=plan.seed + 1))
    assert one.telemetry.equals(again.telemetry)
    assert all(one.truth[name].equals(again.truth[name]) for name in one.truth)
    assert more.telemetry.head(one.telemetry.height).equals(one.telemetry)
    assert not other.telemetry.equals(one.telemetry)


def test_rows_have_columns_of_telemetry_its_order_and_its_key(fleet: FuelFleet, plan: FuelFleetPlan) -> None:
    rows = fleet.telemetry
    assert set(rows.columns) - set(TELEMETRY.schema) == set()
    assert rows.equals(rows.sort("vehicle_id", "recorded_at"))
    assert rows.select("vehicle_id", "recorded_at", "source").is_duplicated().sum() == 0
    assert rows["recorded_at"].min() >= plan.starts_at  # type: ignore[operator]
    assert rows["recorded_at"].max() < plan.ends_at  # type: ignore[operator]
    assert not rows.select(pl.col(pl.Float64).is_nan().any()).row(0).count(True)
    for column in TELEMETRY.columns:
        if column.name in rows.columns and column.low is not None and column.high is not None:
            assert rows[column.name].drop_nulls().is_between(column.low, column.high).all(), column.name


def test_what_was_there_and_filled_less_what_was_burned_and_lost_is_what_is_left(fleet: FuelFleet) -> None:
    lost = sum((pl.col(f"{kind}_l") for kind in LOSSES), pl.lit(0.0))
    rest = pl.col("first_l") + pl.col("refuelled_l") - pl.col("fuel_burned_l") - lost - pl.col("last_l")
    assert fleet.truth["vehicles"].select(rest.abs().max()).item() < 1e-6


def test_no_tank_is_ever_below_empty_or_above_full(plan: FuelFleetPlan) -> None:
    time = np.arange(plan.start_s, plan.end_s, 300.0)
    for vehicle in make_fuel_roster(plan.vehicles, plan.seed):
        diary = keep_diary(vehicle, plan)
        for tank in (1, 2):
            litres = litres_in(diary, tank, time)
            assert litres.min() >= -1e-6, vehicle
            assert litres.max() <= diary.size(tank) + 1e-6, vehicle


def test_an_events_levels_differ_by_its_litres(fleet: FuelFleet) -> None:
    quiet = pl.col("kind").is_in(["theft", "siphoning", "cans", "transfer"]) & ~pl.col("is_engine_on")
    leaking = fleet.truth["events"].filter(pl.col("kind") == "leak")["vehicle_id"].implode()
    rows = fleet.truth["events"].filter(quiet & ~pl.col("vehicle_id").is_in(leaking))
    assert rows.height > 20
    assert rows.select((pl.col("level_before_l") - pl.col("level_after_l") - pl.col("litres")).abs().max()).item() < 0.5
    filled = fleet.truth["events"].filter(pl.col("kind") == "refuel")
    gained = pl.col("level_after_l") - pl.col("level_before_l") - pl.col("litres")
    assert filled.select(gained.abs().max()).item() < 1.5


def test_losses_are_as_large_and_as_long_as_described_and_happen_at_a_stand(fleet: FuelFleet) -> None:
    events = fleet.truth["events"].with_columns(lasts=pl.col("ended_at") - pl.col("started_at"))
    theft = events.filter(pl.col("kind") == "theft")
    assert theft["litres"].is_between(10, 150).all()
    assert theft["lasts"].min() < timedelta(minutes=1)  # type: ignore[operator]
    assert timedelta(minutes=20) < theft["lasts"].max() <= timedelta(minutes=40)  # type: ignore[operator]
    assert 0 < theft["is_engine_on"].sum() < theft.height / 2
    siphoning = events.filter(pl.col("kind") == "siphoning")
    assert siphoning["litres"].is_between(2, 5).all()
    assert siphoning["series"].null_count() == 0
    assert siphoning.group_by("series").len()["len"].max() >= 4  # type: ignore[operator]
    moving = events.filter(pl.col("kind").is_in(["theft", "siphoning", "refuel", "cans"])).join_where(
        fleet.truth["trips"].rename({"vehicle_id": "other", "started_at": "leaves", "ended_at": "arrives"}),
        pl.col("vehicle_id") == pl.col("other"),
        pl.col("started_at") < pl.col("arrives"),
        pl.col("ended_at") > pl.col("leaves"),
    )
    assert moving.height == 0


def test_the_label_of_a_review_tells_what_nobody_minds_from_what_is_lost(fleet: FuelFleet) -> None:
    labels = fleet.truth["events"].select("kind", "is_legitimate").unique()
    assert dict(labels.iter_rows()) == {
        "refuel": True, "transfer": True, "pto": True, "generator": True, "cans": True,
        "theft": False, "siphoning": False, "leak": False, "spill": False,
    }  # fmt: skip
    assert labels.height == 9


def test_thefts_happen_by_day_and_by_night(fleet: FuelFleet) -> None:
    hours = fleet.truth["events"].filter(pl.col("kind") == "theft")["started_at"].dt.hour()
    assert hours.n_unique() > 8


def test_thefts_happen_nearly_as_often_as_asked_for(fleet: FuelFleet, plan: FuelFleetPlan) -> None:
    count = fleet.truth["events"].filter(pl.col("kind") == "theft").height
    asked = plan.rates.theft * plan.vehicles * plan.days
    # Some fall on a tank that holds too little or a stay too short for them.
    assert 0.5 * asked < count < 1.3 * asked


def test_in_a_calm_fleet_fuel_is_only_filled_and_burned() -> None:
    fleet = simulate_fuel_fleet(FuelFleetPlan(vehicles=10, days=7, rates=CALM))
    assert fleet.truth["events"]["kind"].unique().to_list() == ["refuel"]
    assert fleet.truth["faults"].height == 0
    assert fleet.truth["vehicles"].select(f"{kind}_l" for kind in LOSSES).sum().row(0) == (0.0,) * len(LOSSES)


def test_refuels_are_of_every_shape(fleet: FuelFleet) -> None:
    refuels = fleet.truth["events"].filter(pl.col("kind") == "refuel")
    lasts = refuels["ended_at"] - refuels["started_at"]
    assert refuels.filter(pl.col("litres") < 25).height > 3
    assert refuels.filter(pl.col("zone_id").str.contains("depot")).height > 10
    assert refuels.filter("is_engine_on").height > 10
    assert refuels.filter(pl.col("gap_s") > 600).height > 10
    assert lasts.max() > timedelta(minutes=8)  # type: ignore[operator]


@pytest.mark.parametrize("kind", SENDER_KINDS)
def test_readings_lie_on_the_steps_of_their_sender(fleet: FuelFleet, kind: str) -> None:
    vehicles = fleet.truth["vehicles"].filter(pl.col("sender") == kind)
    assert vehicles.height == 3
    for name, tank, step in vehicles.select("vehicle_id", "tank_l", "step_pct").iter_rows():
        rows = fleet.telemetry.filter(pl.col("vehicle_id") == name)
        level = (rows["fuel_level_l"] * 100 / tank if kind == "litres" else rows["fuel_level_pct"]).drop_nulls()
        level = level.filter((level - FILLER_PCT).abs() > 1e-6)
        on_step = ((level / step - (level / step).round()).abs() < 1e-6).mean()
        # Nonsense around turns of the key lies anywhere, and so does the top.
        assert isinstance(on_step, float)
        assert on_step > 0.97
        assert level.n_unique() > 5


def test_silent_senders_say_nothing_while_the_ignition_is_off(fleet: FuelFleet) -> None:
    silent = fleet.truth["vehicles"].filter(pl.col("silence") != "none").select("vehicle_id", "silence")
    rows = fleet.telemetry.join(silent, on="vehicle_id").filter(~pl.col("is_ignition_on"))
    a_day = rows.group_by("silence").agg(pl.len() / pl.col("vehicle_id").n_unique() / 21)
    assert {name: count > 50 for name, count in a_day.iter_rows()} == {"all": False, "level": True}
    assert all(rows[name].null_count() == rows.height for name in LEVELS)


def test_a_counter_grows_by_what_was_burned_within_its_bias(fleet: FuelFleet) -> None:
    grown = fleet.telemetry.group_by("vehicle_id").agg(
        counted=pl.col("fuel_used_total_l").max() - pl.col("fuel_used_total_l").min(),
        steps=pl.col("fuel_used_total_l").diff().min(),
    )
    rows = fleet.truth["vehicles"].join(grown, on="vehicle_id")
    counted = rows.filter("has_counter")
    assert counted.height > 5
    assert (counted["steps"] >= 0).all()
    assert counted.select((pl.col("counted") / pl.col("fuel_burned_l") - 1).abs().max()).item() < 0.06
    assert rows.filter(~pl.col("has_counter"))["counted"].null_count() == rows.height - counted.height


def test_an_outage_silences_every_vehicle_of_a_source_at_once(fleet: FuelFleet) -> None:
    outages = _with_vehicles(fleet, "faults", "source").filter(pl.col("kind") == "outage")
    affected = outages.group_by("source", "started_at").agg(pl.col("vehicle_id").n_unique(), pl.col("ended_at").first())
    assert affected.height > 0
    assert affected["vehicle_id"].unique().to_list() == [10]
    for source, starts, _, ends in affected.iter_rows():
        rows = fleet.telemetry.filter((pl.col("source") == source) & pl.col("recorded_at").is_between(starts, ends))
        assert rows.height == 0


def test_reference_rows_know_what_a_fleet_would_know(fleet: FuelFleet) -> None:
    rows = fleet.vehicles.join(fleet.truth["vehicles"], on="vehicle_id")
    assert fleet.vehicles.schema == VEHICLES.schema
    assert fleet.calibrations.schema == TANK_CALIBRATIONS.schema
    unknown = rows.filter(pl.col("tank_capacity_l").is_null())
    assert unknown["sender"].unique().to_list() == ["unknown_capacity"]
    assert rows.filter(pl.col("tank_2_capacity_l").is_not_null())["sender"].unique().to_list() == ["two_tanks"]
    shapes = fleet.calibrations.join(fleet.truth["vehicles"], on="vehicle_id")
    assert shapes["sender"].unique().to_list() == ["non_linear"]
    full = shapes.filter(pl.col("level_pct") == 100)
    assert full["volume_l"].to_list() == pytest.approx(full["tank_l"].to_list())
    assert (shapes.select(pl.col("volume_l").diff().over("vehicle_id")).to_series().drop_nulls() > 0).all()


def test_the_noise_of_an_event_is_the_spread_with_which_its_levels_show_its_litres(fleet: FuelFleet) -> None:
    """Losses seen from both sides of the same stay: medians of an hour before and after, against their litres."""
    plain = pl.col("sender").is_in(["level_only", "level_and_counter", "unknown_capacity", "analogue"])
    taken = pl.col("kind").is_in(["theft", "siphoning", "cans"]) & ~pl.col("is_engine_on")
    seen = (pl.col("readings_before") > 3) & (pl.col("readings_after") > 3)
    errors = []
    for row in _with_vehicles(fleet, "events", "tank_l").filter(taken & seen & plain).iter_rows(named=True):
        own = fleet.telemetry.filter((pl.col("vehicle_id") == row["vehicle_id"]) & ~pl.col("is_ignition_on"))
        at, hour = pl.col("recorded_at"), timedelta(hours=1)
        before = own.filter(at.is_between(row["started_at"] - hour, row["started_at"]))["fuel_level_pct"].median()
        after = own.filter(at.is_between(row["ended_at"], row["ended_at"] + hour))["fuel_level_pct"].median()
        if isinstance(before, float) and isinstance(after, float):
            errors.append(((before - after) * row["tank_l"] / 100 - row["litres"]) / row["noise_l"])
    assert len(errors) > 15
    # The median of a normal distribution's size is 0.67 of its standard deviation.
    assert 0.3 < float(np.median(np.abs(errors))) < 1.2
