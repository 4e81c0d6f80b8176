"""What a Redis server says of the CAN stream: how much waits in it, and who reads it. It starts no server.

Belongs here: asking, and saying plainly that nobody answered. Does not belong here: the shape of what is seen, and
looking where no server can be (`stream_depth`); reading entries (`stream_group`).
"""

from __future__ import annotations

from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.redis_server import PrivateServer, client_of
from fleet_assets.adapters.stream_depth import NOT_RUNNING, Consumer, StreamDepth
from fleet_assets.adapters.stream_group import GROUP
from fleet_assets.adapters.stream_key import strange_kind
from fleet_assets.contracts.errors import SettingError
from fleet_assets.settings import Settings

PATIENCE_S = 2.0
"""Longest wait for an answer: whoever asks for the status wants to read it now."""


def answer(settings: Settings) -> StreamDepth:
    """The depth of the stream on the configured server or, where it runs, the private one."""
    if not settings.redis_url:
        server = PrivateServer(settings.root / "redis")
        return _asked(server.client()) if server.is_running() else StreamDepth("off", NOT_RUNNING)
    try:
        client = client_of(settings.redis_url, PATIENCE_S, PATIENCE_S)
    except SettingError as error:
        return StreamDepth("away", str(error))
    return _asked(client)


def _asked(client: redis.Redis) -> StreamDepth:
    try:
        return _depth(client)
    except RedisError as error:
        return StreamDepth("away", f"Redis does not answer: {str(error).rstrip('.')}")
    finally:
        client.close()


def _depth(client: redis.Redis) -> StreamDepth:
    if (strange := strange_kind(client)) is not None:
        return StreamDepth("wrong", f"{strange}: scanners and workers refuse to start")
    length: Any = client.xlen(STREAM)
    try:
        groups: Any = client.xinfo_groups(STREAM)
    except ResponseError as error:
        if "no such key" not in str(error):
            raise
        groups = []
    mine = next((group for group in groups if group["name"] == GROUP.encode()), None)
    if mine is None:
        return StreamDepth("up", "no worker has read this stream yet", length, length, 0)
    found: Any = client.xinfo_consumers(STREAM, GROUP)
    consumers = [Consumer(one["name"].decode(), one["pending"], one["idle"] / 1000) for one in found]
    return StreamDepth("up", "", length, mine.get("lag"), mine["pending"], consumers)
