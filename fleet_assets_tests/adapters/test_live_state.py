"""Live state: the newest value wins whatever comes when, value and time never tear, plain keys live 10 s."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.live_state import LiveState, LiveValue
from fleet_assets.contracts import TIMESTAMP
from fleet_assets_tests.fixtures.can_frames import START


def values(*rows: tuple[str, str, object, int]) -> pl.DataFrame:
    """Rows of vehicle, signal, value, seconds after START."""
    given = [(vehicle, signal, value, START + timedelta(seconds=at)) for vehicle, signal, value, at in rows]
    return pl.DataFrame(
        {
            "vehicle_id": [row[0] for row in given],
            "signal": [row[1] for row in given],
            "value": [None if row[2] is None else str(row[2]) for row in given],
            "observed_at": [row[3] for row in given],
        },
        schema={"vehicle_id": pl.String, "signal": pl.String, "value": pl.String, "observed_at": TIMESTAMP},
    )


def test_the_newest_value_of_each_signal_is_kept(redis_server: redis.Redis) -> None:
    live = LiveState(redis_server)
    assert live.write(values(("v1", "speed_kmh", 50, 2), ("v1", "speed_kmh", 40, 1), ("v1", "rpm", 900, 0)), START) == 2
    assert live.read("v1") == {
        "rpm": LiveValue("900", START), "speed_kmh": LiveValue("50", START + timedelta(seconds=2)),
    }  # fmt: skip
    assert live.vehicles() == ["v1"]


def test_a_late_or_simultaneous_value_never_replaces_a_newer_one(redis_server: redis.Redis) -> None:
    live = LiveState(redis_server)
    live.write(values(("v1", "speed_kmh", 50, 5)), START)
    assert live.write(values(("v1", "speed_kmh", 40, 4), ("v1", "speed_kmh", 41, 5)), START) == 0
    assert live.read("v1")["speed_kmh"].value == "50"


def test_nulls_and_no_rows_change_nothing(redis_server: redis.Redis) -> None:
    live = LiveState(redis_server)
    assert live.write(values(("v1", "speed_kmh", None, 5)), START) == 0
    assert live.write(values(), START) == 0
    assert live.read("v1") == {}


def test_the_keys_of_other_consumers_live_ten_seconds_from_the_observation(redis_server: redis.Redis) -> None:
    live = LiveState(redis_server)
    live.write(values(("v1", "rpm", 900, -4), ("v1", "old", 1, -11)), START)
    assert redis_server.get("sensor:rpm") == b"900"
    assert redis_server.get("sensor:rpm:ts") == str(int((START.timestamp() - 4) * 1000)).encode()
    assert 5_000 < redis_server.pttl("sensor:rpm") <= 6_000
    assert redis_server.get("sensor:old") is None
    assert live.read("v1")["old"].value == "1"


def test_with_two_vehicles_those_keys_name_the_vehicle(redis_server: redis.Redis) -> None:
    live = LiveState(redis_server)
    live.write(values(("v1", "rpm", 900, 0)), START)
    live.write(values(("v2", "rpm", 700, 1)), START)
    assert redis_server.get("sensor:rpm") == b"900"
    assert redis_server.get("sensor:v2:rpm") == b"700"


@given(st.permutations([(f"{second}", second) for second in range(8)]), st.integers(1, 8))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_batching_gives_the_same_state(
    redis_server: redis.Redis, arrivals: list[tuple[str, int]], size: int
) -> None:
    redis_server.flushall()
    live = LiveState(redis_server)
    for start in range(0, 8, size):
        live.write(values(*(("v1", "s", value, at) for value, at in arrivals[start : start + size])), START)
    newest: datetime = START + timedelta(seconds=7)
    assert live.read("v1") == {"s": LiveValue("7", newest)}
