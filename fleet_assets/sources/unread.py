"""Vehicles whose frames all came to nothing: what they sent, and which database might describe it.

Belongs here: who they are, the facts a person needs to mend it, and the comparison of identifiers.
Does not belong here: decoding, and the sentences (`commands.unread`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from fleet_assets.core.can import CompiledDatabase, Decoded, Undecoded
from fleet_assets.core.can.binding import BoundDatabase

SHOWN = 5
"""Most frequent identifiers and messages that are named."""


@dataclass(frozen=True)
class Unread:
    """A vehicle with frames and without a row of telemetry from them.

    `messages`: names of what was decoded, the most frequent first; `undecoded`: what no database describes.
    """

    vehicle_id: str
    frame_count: int
    messages: tuple[str, ...]
    undecoded: tuple[Undecoded, ...]

    def note(self, databases: Mapping[str, CompiledDatabase]) -> dict[str, Any]:
        """The facts for the record of a partition; `databases`: all that might be bound, by name."""
        identifiers: Counter[str] = Counter()
        for one in self.undecoded:
            identifiers[f"{one.frame_id:08X}" if one.is_extended else f"{one.frame_id:03X}"] += one.count
        return {
            "vehicle_id": self.vehicle_id, "frame_count": self.frame_count, "messages": list(self.messages[:SHOWN]),
            "undecoded_count": sum(identifiers.values()), "identifier_count": len(identifiers),
            "identifiers": dict(identifiers.most_common(SHOWN)),
            "unbound_buses": sorted({one.bus for one in self.undecoded if not one.is_bound}),
            "buses": sorted({one.bus for one in self.undecoded}), "known_by": self._known_by(databases),
        }  # fmt: skip

    def _known_by(self, databases: Mapping[str, CompiledDatabase]) -> dict[str, list[int]]:
        """Identifiers and frames that each database knows, where it knows any."""
        found = {}
        for name, database in sorted(databases.items()):
            bound = BoundDatabase((database,))
            known = [one for one in self.undecoded if bound.message_of(one.frame_id, one.is_extended)]
            if known:
                found[name] = [len({(one.frame_id, one.is_extended) for one in known}), sum(one.count for one in known)]
        return found


def unread_vehicles(decoded: Decoded, telemetry: pl.DataFrame) -> tuple[Unread, ...]:
    """The vehicles of these frames that no row of telemetry is of, by name."""
    runs = decoded.frames["vehicle_id"].rle().struct.unnest()
    counts: Counter[str] = Counter()
    for length, vehicle_id in runs.select("len", "value").iter_rows():
        counts[vehicle_id] += length
    silent = set(counts) - set(telemetry["vehicle_id"].unique())
    if not silent:
        return ()
    messages = _messages(decoded, silent)
    return tuple(
        Unread(
            vehicle_id, counts[vehicle_id], tuple(name for name, _ in messages[vehicle_id].most_common()),
            tuple(one for one in decoded.undecoded if one.vehicle_id == vehicle_id),
        )
        for vehicle_id in sorted(silent)
    )  # fmt: skip


def _messages(decoded: Decoded, vehicles: set[str]) -> dict[str, Counter[str]]:
    """Decoded payloads per vehicle and message."""
    found: dict[str, Counter[str]] = {vehicle_id: Counter() for vehicle_id in vehicles}
    for part in decoded.messages:
        senders = decoded.frames["vehicle_id"].gather(pl.Series(part.rows)).value_counts()
        for vehicle_id, count in senders.iter_rows():
            if vehicle_id in found:
                found[vehicle_id][part.message.name] += count
    return found
