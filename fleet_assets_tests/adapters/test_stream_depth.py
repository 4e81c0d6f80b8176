"""The depth of the stream, seen from outside: up, away or off, without starting a server."""

from __future__ import annotations

import redis

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.adapters.stream_depth import StreamDepth, look_at_stream
from fleet_assets.adapters.stream_group import StreamGroup
from fleet_assets.installation import Installation
from fleet_assets.settings import load_settings


def test_entries_not_delivered_and_not_acknowledged_are_counted(
    installation: Installation, redis_url: str, redis_server: redis.Redis
) -> None:
    settings = load_settings(redis_url=redis_url)
    assert look_at_stream(settings) == StreamDepth("up", "no worker has read this stream yet", 0, 0, 0)
    group = StreamGroup(redis_server)
    group.create()
    for number in range(5):
        redis_server.xadd(STREAM, {"id": "0x1", "data": "00", "ts": str(number)})
    group.read(2, 1)
    depth = look_at_stream(settings)
    assert (depth.state, depth.length, depth.undelivered, depth.pending) == ("up", 5, 3, 2)
    assert [(one.name, one.pending) for one in depth.consumers] == [(group.consumer, 2)]
    assert installation.settings.root.exists() is False


def test_a_configured_server_that_is_away_is_a_state_and_no_error(installation: Installation) -> None:
    depth = look_at_stream(load_settings(redis_url="redis://127.0.0.1:1/0"))
    assert (depth.state, depth.length) == ("away", None)
    assert depth.sentence.startswith("Redis does not answer")
    assert not installation.settings.root.exists()


def test_the_private_server_is_asked_while_it_runs_and_never_started(installation: Installation) -> None:
    assert look_at_stream(installation.settings).state == "off"
    assert not installation.settings.root.exists()
    server = PrivateServer(installation.settings.root / "redis").start()
    try:
        assert look_at_stream(installation.settings).state == "up"
    finally:
        server.close()


def test_a_lag_that_redis_cannot_state_is_unknown(
    installation: Installation, redis_url: str, redis_server: redis.Redis
) -> None:
    group = StreamGroup(redis_server)
    group.create()
    ids = [redis_server.xadd(STREAM, {"id": "0x1", "data": "00", "ts": str(number)}) for number in range(5)]
    group.read(1, 1)
    redis_server.xdel(STREAM, ids[3])
    depth = look_at_stream(load_settings(redis_url=redis_url))
    assert (depth.length, depth.undelivered, depth.pending) == (4, None, 1)
    assert not installation.settings.root.exists()


def test_another_programs_key_under_the_streams_name_is_said(redis_url: str, redis_server: redis.Redis) -> None:
    redis_server.set(STREAM, "something")
    depth = look_at_stream(load_settings(redis_url=redis_url))
    assert (depth.state, depth.length) == ("wrong", None)
    assert depth.sentence == "can:raw in this Redis is a string, not a stream: scanners and workers refuse to start"
