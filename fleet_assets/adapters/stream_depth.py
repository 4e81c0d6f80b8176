"""A look at the CAN stream from outside: how much waits in it, who reads it. It starts no server, changes nothing.

Belongs here: the shape of what is seen, and telling that there is nobody to ask. Does not belong here: asking
(`stream_answer`), which needs the library that speaks to a server.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet_assets.settings import Settings

NOT_RUNNING = "the private server is not running: no scanner and no worker is"


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
    if not settings.redis_url and not settings.redis_socket.exists():
        return StreamDepth("off", NOT_RUNNING)
    # Imported here: most looks find no server, and loading what speaks to one takes longer than the rest of the look.
    from fleet_assets.adapters.stream_answer import answer

    return answer(settings)
