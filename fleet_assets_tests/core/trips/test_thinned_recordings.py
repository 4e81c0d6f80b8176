"""Trips of known fleets, thinned as a slow tracker would send them: how much of the truth is still found."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from statistics import mean

import polars as pl
import pytest

from fleet_assets.simulator import FleetPlan
from fleet_assets.simulator.slow_tracker import newest_values, sent_every
from fleet_assets_tests.fixtures.known_fleets import WITNESSES, KnownFleet, nrel, simulated, with_halts
from fleet_assets_tests.fixtures.scores import found_trips, score

JITTERS = pytest.mark.parametrize("jitter", [0.0, 0.4], ids=["regular", "jittered"])
CADENCES = pytest.mark.parametrize("cadence", [30, 120, 300])
KINDS = pytest.mark.parametrize("kind", ["odometer", "speed and odometer", "speed"])

DISTANCE_BOUNDS = {30: 0.01, 120: 0.02, 300: 0.03}
"""Shares by which the distance of all trips may be off."""

SPEED_BOUNDS = {30: 0.04, 120: 0.06, 300: 0.12}
"""The same for speed alone where the halts are left out. These cars' recorder sleeps in a halt: an instant that falls
into one has no row, and between the rows around it the vehicle seems to drive on. An odometer says that it did not; a
speed alone cannot. Nearly the whole error is this one: see the test with the halts told."""

LEAST_FOUND = {30: 0.98, 120: 0.9, 300: 0.6}
"""Share of the true trips with an observed row over them. A trip of ten minutes has one or two rows at 300 s; of one
row, or of none, no trip is made: with an odometer it is an unobserved drive."""


@pytest.fixture(scope="module")
def cars(real_data: Path) -> KnownFleet:
    return nrel(real_data)


@pytest.fixture(scope="module")
def lorry(tmp_path_factory: pytest.TempPathFactory) -> KnownFleet:
    """One lorry over a week, from its frames: 38 trips, seven hours at a stand with the engine running."""
    return simulated(FleetPlan(vehicles=1, days=7, seed=3, start=date(2025, 3, 3)), tmp_path_factory.mktemp("lorry"))


@pytest.mark.slow
@JITTERS
@CADENCES
@KINDS
def test_recordings_keep_their_distance_and_their_trips(
    cars: KnownFleet, kind: str, cadence: int, jitter: float
) -> None:
    seen = cars.seen_by(*WITNESSES[kind])
    found = score(seen, sent_every(cadence, seen.telemetry, jitter), cadence)
    assert abs(found.distance) <= (SPEED_BOUNDS if kind == "speed" else DISTANCE_BOUNDS)[cadence]
    assert found.overlapped >= LEAST_FOUND[cadence] * found.known
    assert found.trips <= 1.06 * found.known


@pytest.mark.slow
@JITTERS
@CADENCES
def test_a_speed_alone_keeps_the_distance_where_halts_are_told(cars: KnownFleet, cadence: int, jitter: float) -> None:
    awake = with_halts(cars.seen_by("speed_kmh"))
    sent = [sent_every(cadence, awake.telemetry, jitter, seed, phase=seed / 8) for seed in range(8)]
    errors = [score(awake, rows, cadence).distance for rows in sent]
    # Of one tracker chance decides: the speeds that it sends, times its cadence, are off by up to 3 % themselves.
    assert mean(errors) == pytest.approx(0, abs=DISTANCE_BOUNDS[cadence])


@pytest.mark.slow
@JITTERS
@CADENCES
@KINDS
def test_times_of_recordings_add_up_and_no_mean_is_above_its_maximum(
    cars: KnownFleet, kind: str, cadence: int, jitter: float
) -> None:
    seen = cars.seen_by(*WITNESSES[kind])
    trips = found_trips(seen, sent_every(cadence, seen.telemetry, jitter))
    parts = trips.select(pl.sum_horizontal("moving_s", "standing_s", "unknown_s") - pl.col("duration_s")).to_series()
    assert (parts.abs() < 1e-6).all()
    assert (trips["avg_speed_kmh"] <= trips["max_speed_kmh"] * (1 + 1e-9)).all(ignore_nulls=True)


def test_a_lorry_that_speaks_every_two_minutes_keeps_its_trips_its_distance_and_its_idle_hours(
    lorry: KnownFleet,
) -> None:
    full = newest_values(lorry.telemetry)
    sent = [sent_every(120, full), *(sent_every(120, full, 0.4, seed) for seed in range(4))]
    scores = [score(lorry, rows, 120) for rows in sent]
    for found in scores:
        assert (found.overlapped, found.trips) == (found.known, found.known)
        assert found.both_ends > 0.6 * found.known
        assert abs(found.distance) <= 0.02
    # Which traffic lights a row falls on is chance: five hundred rows of all five say how long it stood.
    assert mean(found.idle or 0.0 for found in scores) == pytest.approx(0, abs=0.05)


def test_the_dense_recording_of_the_lorry_is_its_truth(lorry: KnownFleet) -> None:
    found = score(lorry, lorry.telemetry, 1)
    assert (found.overlapped, found.trips, found.both_ends) == (found.known,) * 3
    assert found.distance == pytest.approx(0, abs=0.001)
    assert found.idle == pytest.approx(0, abs=0.01)
