"""Charges of a simulated fleet are found with the energy that flowed; a recording without charges has none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.contracts import ENERGY_PRICES, VEHICLES, ZONES
from fleet_assets.core.charging import charging_periods, charging_sessions
from fleet_assets.core.charging.found import Fleet
from fleet_assets.core.cleaning import clean_telemetry
from fleet_assets.core.window import Window
from fleet_assets.simulator.slow_tracker import newest_values, sent_every
from fleet_assets_tests.core.charging.plugged import RULES
from fleet_assets_tests.fixtures.known_fleets import KnownFleet

REACH = timedelta(days=12)
"""From the first day on: longer than any history here."""


def _found(telemetry: pl.DataFrame, vehicles: pl.DataFrame) -> pl.DataFrame:
    """Plug-ins of a whole history, those never seen to end with it."""
    fleet = Fleet(vehicles.lazy(), ZONES.empty().lazy(), ENERGY_PRICES.empty().lazy())
    first = telemetry["recorded_at"].dt.truncate("1d").min()
    window = Window(first, first, first + REACH)  # type: ignore[arg-type,operator]
    return charging_sessions(charging_periods(telemetry.lazy(), RULES), fleet, window, RULES).collect()


def _matched(found: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    """True charges with the plug-in that overlaps most of them."""
    pairs = true.join(found, on="vehicle_id", suffix="_found").filter(
        pl.col("started_at_found") < pl.col("ended_at"), pl.col("ended_at_found") > pl.col("started_at")
    )
    return pairs.sort("vehicle_id", "started_at")


@pytest.mark.slow
def test_every_charge_of_a_simulated_fleet_is_found_with_its_energies(
    simulated_fleet: KnownFleet,
) -> None:
    true = simulated_fleet.charges
    assert true.height > 10
    found = _found(simulated_fleet.telemetry, simulated_fleet.vehicles)
    pairs = _matched(found, true)
    assert (pairs.height, found.filter(pl.col("power_session_count") > 0).height) == (true.height, true.height)
    for name, truth in (("energy_ac_kwh", "energy_charger_kwh"), ("energy_battery_kwh", "energy_battery_kwh")):
        told = pairs[f"{name}_found" if name == truth else name]
        assert ((told / pairs[truth] - 1).abs() < 0.01).all(), pairs.select("vehicle_id", truth).with_columns(told)
    assert ((pairs["started_at_found"] - pairs["started_at"]).dt.total_seconds().abs() <= 30).all()
    assert ((pairs["ended_at_found"] - pairs["ended_at"]).dt.total_seconds().abs() <= 30).all()
    assert set(pairs.select("kind", "charge_type").rows()) == {("ac", "L2"), ("dc", "DC")}


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "within"), [(60, 0.02), (300, 0.06)])
def test_slow_trackers_find_the_same_charges(simulated_fleet: KnownFleet, seconds: int, within: float) -> None:
    sent = sent_every(seconds, newest_values(simulated_fleet.telemetry))
    # A charge after which nothing is heard, of a tracker that sleeps through it, leaves no trace.
    last = sent.group_by("vehicle_id").agg(pl.col("recorded_at").max().alias("heard_at"))
    known_after = simulated_fleet.charges.join(last, on="vehicle_id").filter(pl.col("heard_at") > pl.col("ended_at"))
    long = known_after.filter(pl.col("ended_at") - pl.col("started_at") > timedelta(minutes=40))
    assert long.height >= 10
    pairs = _matched(_found(sent, simulated_fleet.vehicles), long)
    assert pairs.height == long.height
    found, truth = pairs.select(pl.col("energy_added_kwh", "energy_battery_kwh").sum()).row(0)
    assert abs(found / truth - 1) < within


def _twizy(real_data: Path, columns: Sequence[str]) -> pl.DataFrame:
    samples = pl.read_parquet(real_data / "twizy" / "samples.parquet")
    told = samples.select(
        pl.lit("twizy").alias("vehicle_id"), pl.col("ts_local").dt.replace_time_zone("UTC").alias("recorded_at"),
        pl.lit("twizy").alias("source"), pl.col("lat").alias("latitude_deg"), pl.col("lon").alias("longitude_deg"),
        "speed_kmh", "soc_pct",
    ).select("vehicle_id", "recorded_at", "source", *columns)  # fmt: skip
    return clean_telemetry(told.lazy()).frame.collect()


@pytest.mark.parametrize("columns", [("speed_kmh", "soc_pct"), ("latitude_deg", "longitude_deg", "soc_pct")])
def test_rebounds_of_a_recorded_electric_car_are_no_charges(real_data: Path, columns: Sequence[str]) -> None:
    samples = pl.read_parquet(real_data / "twizy" / "samples.parquet")
    telemetry = _twizy(real_data, columns)
    assert telemetry.height > 0
    for trip in samples["trip_id"].unique():
        own = samples.filter(pl.col("trip_id") == trip)["ts_local"].dt.replace_time_zone("UTC")
        of_trip = telemetry.filter(pl.col("recorded_at").is_between(own.min(), own.max()))
        assert _found(of_trip, VEHICLES.empty()).is_empty()
