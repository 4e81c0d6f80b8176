"""Frames that did not become telemetry, in sentences: which vehicles, why, and what a person can do.

Belongs here: reading the notes of decoded partitions, and their words for `fleet build` and `fleet status`.
Does not belong here: the facts (`sources.unread`, `core.can`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import polars as pl

from fleet_assets.contracts import CAN_SIGNALS, TELEMETRY, Table
from fleet_assets.installation import Installation
from fleet_assets.sources.can_frames import CAN
from fleet_assets.wording import counted

SHOWN = 5
"""Identifiers and messages named in one sentence."""
SHOWN_VEHICLES = 10
"""Vehicles with a sentence of their own."""

_LOSSES = {
    "unknown_id": "with an identifier that the DBC files of its bus do not know",
    "error_frames": "that say an error",
}
_FLAWS = {
    "incomplete": "incomplete messages of several frames",
    "short_payloads": "payloads that end within a signal",
    "unknown_parameters": "OBD-II answers that go on behind a parameter nobody knows",
}


@dataclass
class _Vehicle:
    """What the partitions say of one vehicle together."""

    frame_count: int = 0
    undecoded_count: int = 0
    identifier_count: int = 0
    identifiers: Counter[str] = field(default_factory=Counter)
    messages: dict[str, None] = field(default_factory=dict)
    unbound: set[str] = field(default_factory=set)
    buses: set[str] = field(default_factory=set)
    known_by: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, note: dict[str, Any]) -> None:
        self.frame_count += note["frame_count"]
        self.undecoded_count += note["undecoded_count"]
        self.identifier_count = max(self.identifier_count, note["identifier_count"])
        self.identifiers.update(note["identifiers"])
        self.messages |= dict.fromkeys(note["messages"])
        self.unbound |= set(note["unbound_buses"])
        self.buses |= set(note["buses"])
        for name, (identifiers, frames) in note["known_by"].items():
            most, total = self.known_by.get(name, (0, 0))
            self.known_by[name] = (max(most, identifiers), total + frames)


def unread_sentences(installation: Installation) -> list[str]:
    """One sentence a vehicle whose frames never became telemetry on any stored day."""
    vehicles: dict[str, _Vehicle] = {}
    for notes in _notes(installation, TELEMETRY, installation.lake.days(TELEMETRY)):
        for note in notes.get("unread", ()):
            vehicles.setdefault(note["vehicle_id"], _Vehicle()).add(note)
    read = _read_vehicles(installation, vehicles)
    silent = {name: vehicle for name, vehicle in sorted(vehicles.items()) if name not in read}
    sentences = [_sentence(name, vehicle) for name, vehicle in list(silent.items())[:SHOWN_VEHICLES]]
    more = len(silent) - SHOWN_VEHICLES
    if more > 0:
        sentences.append(f"and {counted(more, 'more vehicle')} of which no frame reaches telemetry")
    return sentences


def _read_vehicles(installation: Installation, vehicles: Iterable[str]) -> set[str]:
    """Those of the vehicles whose frames became telemetry on some day."""
    wanted = list(vehicles)
    if not wanted:
        return set()
    rows = installation.lake.scan(TELEMETRY).filter(pl.col("source") == CAN.name, pl.col("vehicle_id").is_in(wanted))
    return set(rows.select(pl.col("vehicle_id").unique()).collect()["vehicle_id"])


def _sentence(name: str, vehicle: _Vehicle) -> str:
    count = vehicle.frame_count
    frames = f"none of its {count:,} frames reaches" if count > 1 else "its only frame does not reach"
    return f"vehicle {name}: {frames} telemetry; " + "; ".join(_reasons(name, vehicle))


def _reasons(name: str, vehicle: _Vehicle) -> Iterator[str]:
    if vehicle.undecoded_count:
        buses = ", ".join(sorted(vehicle.unbound or vehicle.buses))
        which = f"bus {buses} has no DBC file" if vehicle.unbound else f"the DBC files of bus {buses} do not know them"
        frequent = ", ".join(f"{one} ({count:,})" for one, count in vehicle.identifiers.most_common(SHOWN))
        yield f"{which}; most frequent of {counted(vehicle.identifier_count, 'identifier')}: {frequent}"
        yield _what_to_bind(name, vehicle, sorted(vehicle.unbound or vehicle.buses)[0])
    if vehicle.messages:
        messages = ", ".join(list(vehicle.messages)[:SHOWN])
        yield f"what was decoded ({messages}) is in no signal map or has no value: see docs/signal_maps.md"
    if not vehicle.undecoded_count and not vehicle.messages:
        yield "none of them is a message that can be decoded"


def _what_to_bind(name: str, vehicle: _Vehicle, bus: str) -> str:
    if not vehicle.known_by:
        return f"no DBC file here knows one of them: `fleet reference bind {name} {bus} FILE.dbc`"
    best = sorted(vehicle.known_by.items(), key=lambda item: (-item[1][1], item[0]))[:2]
    known = [(dbc, counted(ids, "identifier"), counted(frames, "frame")) for dbc, (ids, frames) in best]
    found = " and ".join(f"{dbc} knows {identifiers} ({frames})" for dbc, identifiers, frames in known)
    return f"by identifiers, {found}: `fleet reference bind {name} {bus} {best[0][0]}`, then `fleet build`"


def lost_frames(installation: Installation, days: Sequence[date]) -> Iterator[str]:
    """What a person should know of the frames of these days: what was not decoded, and DBC files that fail."""
    found = [notes["bus"] for day in days for notes in _decoding_of(installation, day)]
    sums: Counter[str] = Counter()
    for counts in found:
        sums.update({name: count for name, count in counts.items() if isinstance(count, int)})
    if sums["unbound"]:
        yield (
            f"{sums['unbound']:,} of {sums['frames']:,} frames are of a vehicle and bus without a DBC file and stay in "
            "raw_can; say which one it is with `fleet reference bind VEHICLE BUS FILE`"
        )
    lost = [f"{sums[name]:,} {words}" for name, words in _LOSSES.items() if sums[name]]
    if lost:
        yield f"not decoded of {sums['frames']:,} frames: {', '.join(lost)}"
    flaws = [f"{words}: {sums[name]:,}" for name, words in _FLAWS.items() if sums[name]]
    if flaws:
        yield f"values are missing where they were cut: {'; '.join(flaws)}"
    yield from sorted({problem for counts in found for problem in counts["problems"]})


def _decoding_of(installation: Installation, day: date) -> list[dict[str, Any]]:
    """The notes of the day's decoding, which is the same for both tables that are made of it."""
    found = [
        notes for table in (TELEMETRY, CAN_SIGNALS) for notes in _notes(installation, table, [day]) if "bus" in notes
    ]
    return found[:1]


def _notes(installation: Installation, table: Table, days: Iterable[date]) -> Iterator[dict[str, Any]]:
    generation = installation.lake.generation(table)
    records = (generation.record(day) for day in days)
    yield from (cast(dict[str, Any], record.notes) for record in records if record is not None)
