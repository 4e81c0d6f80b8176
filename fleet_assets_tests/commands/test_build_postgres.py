"""Builds of some models on a server leave there all that a whole build leaves, whatever was there before."""

from __future__ import annotations

import pytest

from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_models import mart_project
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.fixtures.postgres import Contents, contents

MARTS = ("fleet.", "staging.", "intermediate.")


def marts(url: str) -> Contents:
    """All that is published, lake tables and marts; no time of a build is among them."""
    return {name: found for name, found in contents(url).items() if name.startswith(MARTS)}


def test_a_part_of_the_models_is_built_on_an_empty_server_and_on_a_filled_one(
    installation: Installation, postgres_url: str, monkeypatch: pytest.MonkeyPatch, fleet: FleetCommand
) -> None:
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", postgres_url)
    installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    found = []
    for options in [("--select", "+vehicle_daily"), ("--full", "--select", "stg_trips+")]:
        built = fleet("build", *options)
        assert built.returncode == 0, built.stderr
        found.append(marts(postgres_url))
    on_empty, on_filled = found
    assert on_filled == on_empty
    assert {name.split(".")[1] for name in on_empty} >= mart_project(Installation.from_environment()).upstream.keys()
    assert on_filled["fleet.vehicle_daily"][0] == on_filled["intermediate.int_vehicle_day_times"][0] == 1


def test_a_table_and_its_mart_are_made_in_this_order_where_nothing_between_them_is_selected(
    installation: Installation, postgres_url: str, monkeypatch: pytest.MonkeyPatch, fleet: FleetCommand
) -> None:
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", postgres_url)
    for vehicle, count in (("van-1", 1), ("van-2", 2)):
        installation.landing.append("telemetry", drive(vehicle, at("2026-03-02 08:00")), vehicle)
        built = fleet("build", "--select", "raw_telemetry,telemetry,readings_before_silence,trips,trip_daily_stats")
        assert built.returncode == 0, built.stderr
        assert Installation.from_environment().warehouse.query("select * from trip_daily_stats").height == count
