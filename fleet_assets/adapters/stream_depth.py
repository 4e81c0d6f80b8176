"""A look at the CAN stream from outside: how much waits in it, who reads it. It starts no server, changes nothing.

Belongs here: asking, and saying plainly that nobody answered. Does not belong here: reading entries (stream_group).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.redis_server import PrivateServer, client_of
from fleet_assets.adapters.stream_group import GROUP
from fleet_assets.adapters.stream_key import strange_kind
from fleet_assets.contracts.errors import SettingError
from fleet_assets.settings import Settings

PATIENCE_S = 2.0
"""Longest wait for an answer: whoever asks for the status wants to read it now."""


@dataclass(frozen=True)
class Consumer:
    """One worker as Redis knows it: entries it has read and not acknowledged, seconds since it last asked."""

    name: str
    pending: int
    idle_s: float


@dataclass(frozen=True)
class StreamDepth:
    """What waits in the stream. `state`: `up`, `away` (configured and silent), `off` (the private one does not run),
    `wrong` (something else lies under the stream's name).

    The counts are entries; they are null where nobody answered, `undelivered` also where the server cannot tell.
    """

    state: str
    sentence: str
    length: int | None = None
    undelivered: int | None = None
    pending: int | None = None
    consumers: list[Consumer] = field(default_factory=list)


def look_at_stream(settings: Settings) -> StreamDepth:
    """The depth of the stream; a server that does not answer is a state, not an error."""
    if not settings.redis_url:
        folder = settings.root / "redis"
        server = PrivateServer(folder)
        if not folder.is_dir() or not server.is_running():
            return StreamDepth("off", "the private server is not running: no scanner and no worker is")
        return _asked(server.client())
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
