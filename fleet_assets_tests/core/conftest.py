"""Fixtures of the tests of rules: one small simulated fleet, decoded from its frames once."""

from __future__ import annotations

import pytest

from fleet_assets.simulator import FleetPlan
from fleet_assets_tests.fixtures.known_fleets import KnownFleet, simulated


@pytest.fixture(scope="session")
def simulated_fleet(tmp_path_factory: pytest.TempPathFactory) -> KnownFleet:
    """Two lorries, two plug-in hybrids and two battery cars over four days."""
    return simulated(FleetPlan(vehicles=6, days=4, seed=3), tmp_path_factory.mktemp("simulated"))
