"""Fixtures of the tests of tanks: one small fleet with many losses, simulated once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet_assets.simulator.fuel_fleet import FuelFleet, FuelFleetPlan, IncidentRates, simulate_fuel_fleet


@pytest.fixture(scope="session")
def plan() -> FuelFleetPlan:
    rates = replace(IncidentRates().with_losses(40), cans=0.05, spill=0.1)
    return FuelFleetPlan(vehicles=30, days=21, seed=5, rates=rates)


@pytest.fixture(scope="session")
def fleet(plan: FuelFleetPlan) -> FuelFleet:
    """Three vehicles of each kind of sender, one of each at each source, over three weeks."""
    return simulate_fuel_fleet(plan)
