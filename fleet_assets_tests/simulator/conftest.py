"""Fixtures of the simulator's tests: one small fleet, simulated once."""

from __future__ import annotations

from datetime import date

import pytest

from fleet_assets.simulator import Drive, FleetPlan, Vehicle, make_roster, simulate_vehicle

Fleet = dict[str, tuple[Vehicle, Drive]]


@pytest.fixture(scope="session")
def plan() -> FleetPlan:
    return FleetPlan(vehicles=6, days=7, seed=11, start=date(2025, 3, 3))


@pytest.fixture(scope="session")
def fleet(plan: FleetPlan) -> Fleet:
    """Two lorries, two plug-in hybrids and two battery cars over a week, by name."""
    return {v.vehicle_id: (v, simulate_vehicle(v, plan)) for v in make_roster(plan.vehicles, plan.seed)}
