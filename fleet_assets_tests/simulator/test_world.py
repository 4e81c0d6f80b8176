"""Land, roads and speeds of the simulated world."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fleet_assets.simulator.driving import LONGEST_HALT_S, slow_uphill, speed_profile, wheel_power_kw
from fleet_assets.simulator.places import Place, make_city
from fleet_assets.simulator.roads import make_road
from fleet_assets.simulator.vehicles import Vehicle, make_roster

ROSTER = make_roster(6, seed=5)


def _haversine_m(
    lat: np.ndarray[tuple[int], np.dtype[np.float64]], lon: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> float:
    """Sum over a chain of positions, written out for this test."""
    phi, lam = np.radians(lat), np.radians(lon)
    half = np.sin(np.diff(phi) / 2) ** 2 + np.cos(phi[:-1]) * np.cos(phi[1:]) * np.sin(np.diff(lam) / 2) ** 2
    return float((2 * 6_371_008.8 * np.arcsin(np.sqrt(half))).sum())


@pytest.mark.parametrize("city_number", [0, 1, 2])
def test_a_road_is_as_long_on_the_globe_as_it_was_ordered(city_number: int) -> None:
    city = make_city(city_number, seed=5)
    road = make_road(city.depot, city.customers[0], 90_000, city.terrain, np.random.default_rng(1))
    assert road.along[-1] == pytest.approx(90_000, rel=1e-9)
    assert _haversine_m(*city.terrain.degrees(road.x, road.y)) == pytest.approx(90_000, rel=2e-4)
    assert (road.x[0], road.y[-1]) == pytest.approx((city.depot.x, city.customers[0].y))


def test_hills_are_no_steeper_than_roads_are() -> None:
    city = make_city(0, seed=5)
    for number, customer in enumerate(city.customers):
        road = make_road(city.depot, customer, 80_000, city.terrain, np.random.default_rng(number))
        assert np.abs(road.gradient).max() < 0.04


def test_the_way_there_and_back_climbs_what_it_falls() -> None:
    city, rng = make_city(1, seed=5), np.random.default_rng(2)
    there = make_road(city.depot, city.customers[3], 60_000, city.terrain, rng)
    back = make_road(city.customers[3], city.depot, 70_000, city.terrain, rng)
    assert there.height[-1] - there.height[0] == pytest.approx(back.height[0] - back.height[-1], abs=1e-6)


@pytest.mark.parametrize("vehicle", ROSTER, ids=lambda v: v.vehicle_id)
@pytest.mark.parametrize("straight_m", [400.0, 5_000.0, 40_000.0])
def test_a_leg_begins_and_ends_at_rest_and_keeps_limits(vehicle: Vehicle, straight_m: float) -> None:
    speed = speed_profile(straight_m, vehicle, np.random.default_rng(3))
    assert speed[0] == speed[-1] == 0
    assert speed.max() <= vehicle.type.max_speed_kmh / 3.6
    assert np.abs(np.diff(speed)).max() < 2.5
    assert 1.1 * straight_m < speed.sum() < 1.6 * straight_m + 400
    assert _longest_rest(speed) < LONGEST_HALT_S + 25


def _longest_rest(speed: np.ndarray[tuple[int], np.dtype[np.float64]]) -> int:
    moving = np.flatnonzero(np.concatenate(([1.0], np.trim_zeros(speed), [1.0])) > 0.4)
    return int(np.diff(moving).max())


def test_a_loaded_lorry_slows_down_uphill_but_goes_the_same_way() -> None:
    lorry = next(v for v in ROSTER if v.kind == "ice" and v.type.gvw_kg == 40_000)
    speed = np.concatenate((np.arange(0, 24, 0.4), np.full(600, 24.0), np.arange(24, -0.4, -0.4).clip(0)))
    start, end = Place("a", "customer", 0, 0, 100), Place("b", "customer", 12_000, 0, 100)
    road = make_road(start, end, float(speed.sum()), lorry.city.terrain, np.random.default_rng(0))
    hill = type(road)(road.along, road.x, road.y, 0.05 * road.along, np.full(len(road.along), 0.05))
    slowed = slow_uphill(speed, hill, lorry)
    assert slowed.sum() == pytest.approx(speed.sum(), rel=1e-6)
    assert slowed[200:500].max() < 20
    assert len(slowed) > len(speed)


def test_power_at_the_wheels_is_the_sum_of_its_forces() -> None:
    lorry = ROSTER[0]
    speed, flat = np.full(10, 20.0), np.zeros(10)
    rolling = lorry.mass_kg * 9.81 * lorry.type.rolling
    air = 0.5 * 1.2 * lorry.type.drag_area_m2 * 400
    assert wheel_power_kw(speed, flat, lorry) == pytest.approx((rolling + air) * 20 / 1000)
    climb = wheel_power_kw(speed, flat + 0.02, lorry) - wheel_power_kw(speed, flat, lorry)
    assert climb == pytest.approx(lorry.mass_kg * 9.81 * math.sin(math.atan(0.02)) * 20 / 1000)


def test_no_power_is_needed_at_rest() -> None:
    assert wheel_power_kw(np.zeros(5), np.full(5, 0.02), ROSTER[0]).tolist() == [0.0] * 5
