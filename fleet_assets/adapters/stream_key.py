"""Whether the name of the stream is free for it in a Redis that others use too.

Belongs here: that look. Does not belong here: reading and writing the stream.
"""

from __future__ import annotations

from typing import Any

import redis

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.contracts.errors import ServiceError

FREE = ("none", "stream")


def require_stream(client: redis.Redis, stream: str = STREAM) -> None:
    """Raises ServiceError where something else lies under the name."""
    if (said := strange_kind(client, stream)) is not None:
        raise ServiceError(
            f"{said}: it is another program's; give fleet a Redis, or a database of it (…/1), of its own"
        )


def strange_kind(client: redis.Redis, stream: str = STREAM) -> str | None:
    """What lies under the name of the stream and is none, in words; None where the name is free or a stream's."""
    kind: Any = client.type(stream)
    name = kind.decode() if isinstance(kind, bytes) else str(kind)
    return None if name in FREE else f"{stream} in this Redis is a {name}, not a stream"
