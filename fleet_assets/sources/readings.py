"""Decoded signals as candidates for telemetry columns: matched with the map, converted, validated.

Belongs here: which payloads give which column, and what of them is an observation. Does not belong here: the choice
between candidates and the grid (`sources.can`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.contracts import TELEMETRY
from fleet_assets.core.can import Decoded, DecodedMessage, Signal
from fleet_assets.core.can.distinct import NO_CODES, distinct
from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.units import Conversion, conversion, known_unit
from fleet_assets.sources.signal_map import POSITION, Entry, SignalMap

NO_SENDER = -1
"""Source address of protocols that have none."""

BUS_CODE = "error or not available on the bus"
NOT_VALID = "the device calls it invalid"
HALF_POSITION = "a position lacks its other half"

Rank = tuple[int, int, int, str]
"""Place of the entry in the map, place of the sender among the preferred ones, the sender, the name of the bus."""


Entries = Mapping[tuple[str, str], tuple[int, Entry]]
"""Place in the map and entry of each (message, signal)."""


@dataclass(frozen=True)
class Reading:
    """Values of one signal from one kind of sender on one bus. `rows`: frame numbers, ascending; NaN: no value.

    `rank`: the place in the order of preference, the smallest first. Both halves of a position have the rank of the
    latitude, and the same rows.
    """

    column: str
    rank: Rank
    rows: I64
    values: F64


@dataclass(frozen=True)
class _Found:
    """Values of one mapped signal of one decoded message, before they are split by sender."""

    place: int
    entry: Entry
    column: str
    values: F64


class Readings:
    """All candidates of all columns, with what became null on the way and what of the map could not be used."""

    def __init__(self, decoded: Decoded, signal_map: SignalMap) -> None:
        self.nulled: dict[tuple[str, str], int] = {}
        self.problems: set[str] = set()
        self._arbitration_id = decoded.frames["arbitration_id"].to_numpy()
        self._bus, self._buses = distinct(decoded.frames["bus"]) if decoded.frames.height else (NO_CODES, [""])
        entries = {entry.key: (place, entry) for place, entry in enumerate(signal_map.entries)}
        parts = [reading for message in decoded.messages for reading in self._of_message(message, entries)]
        self.by_column = _joined(parts)

    def _of_message(self, part: DecodedMessage, entries: Entries) -> Iterator[Reading]:
        found = sorted(self._found(part, entries), key=lambda one: one.place)
        for one in found:
            if one.column not in POSITION:
                yield from self._by_origin(part, (one,))
        halves = [[one for one in found if one.column == column] for column in POSITION]
        pairs = list(zip(*halves, strict=False))
        for pair in pairs:
            self._keep_whole(pair)
            yield from self._by_origin(part, pair)
        for one in itertools.chain(*(own[len(pairs) :] for own in halves)):
            self._count(one.column, HALF_POSITION, int(np.count_nonzero(~np.isnan(one.values))))

    def _found(self, part: DecodedMessage, entries: Entries) -> Iterator[_Found]:
        for j, signal in enumerate(part.signals):
            place, entry = entries.get((part.message.name, signal.name), (0, None))
            if entry is not None and entry.column is not None:
                values = self._values(part, j, entry.column, entry)
                if values is not None:
                    yield _Found(place, entry, entry.column, values)

    def _keep_whole(self, pair: tuple[_Found, ...]) -> None:
        """A latitude without its longitude is no position, nor the other way round."""
        is_half = np.logical_or.reduce([np.isnan(half.values) for half in pair])
        for half in pair:
            self._count(half.column, HALF_POSITION, int(np.count_nonzero(is_half & ~np.isnan(half.values))))
            half.values[is_half] = np.nan

    def _values(self, part: DecodedMessage, j: int, column: str, entry: Entry) -> F64 | None:
        """Values in the column's unit; None (and a problem) where the signal's unit does not fit."""
        convert = _conversion(part.signals[j], entry)
        if convert is None:
            signal = f"{part.message.database}: {part.message.name}.{entry.signal}"
            self.problems.add(f"{signal} has the unit {part.signals[j].unit}, which does not fit {column}")
            return None
        self._count(column, BUS_CODE, int(part.unavailable[j]))
        values: F64 = part.values[j].copy() if convert.is_identity else _converted(part.values[j], convert)
        if TELEMETRY.schema[column] == pl.Boolean:
            values = _states(values, entry)
        for name, allowed in entry.when.items():
            self._blank_invalid(part, column, values, name, allowed)
        return values

    def _blank_invalid(
        self, part: DecodedMessage, column: str, values: F64, name: str, allowed: frozenset[float]
    ) -> None:
        places = [k for k, signal in enumerate(part.signals) if signal.name == name]
        if not places:
            self.problems.add(f"{part.message.database}: {part.message.name} has no signal {name} to judge {column} by")
            return
        is_valid = np.isin(part.values[places[0]], list(allowed))
        self._count(column, NOT_VALID, int(np.count_nonzero(~is_valid & ~np.isnan(values))))
        values[~is_valid] = np.nan

    def _by_origin(self, part: DecodedMessage, found: tuple[_Found, ...]) -> Iterator[Reading]:
        """A column (or both halves of a position, by the entry of the first), split by sender and bus."""
        rows, first = part.rows.astype(np.int64), found[0]
        order = first.entry.source_addresses
        for sender, bus, index in self._origins(part, rows):
            preference = order.index(sender) if sender in order else len(order)
            rank = (first.place, 0 if sender == NO_SENDER else preference, sender, self._buses[bus])
            for one in found:
                yield Reading(one.column, rank, rows[index], one.values[index])

    def _origins(self, part: DecodedMessage, rows: I64) -> Iterator[tuple[int, int, I64 | slice]]:
        """Sender, number of the bus, and which of the rows come from there."""
        has_senders = part.message.has_senders
        senders = (self._arbitration_id[rows] & np.uint32(0xFF)).astype(np.int64) if has_senders else NO_SENDER
        buses = self._bus[rows].astype(np.int64) if len(self._bus) else 0
        if isinstance(senders, int) and isinstance(buses, int):
            yield senders, buses, slice(None)
            return
        origins = np.broadcast_to(senders + 1 + (np.asarray(buses, dtype=np.int64) << 9), rows.shape)
        for origin in np.unique(origins).tolist():
            yield (origin & 0x1FF) - 1, origin >> 9, np.flatnonzero(origins == origin)

    def _count(self, column: str, reason: str, count: int) -> None:
        if count:
            self.nulled[column, reason] = self.nulled.get((column, reason), 0) + count


def _conversion(signal: Signal, entry: Entry) -> Conversion | None:
    """From the DBC's unit, or from the map's where the DBC states none that is known."""
    assert entry.column is not None
    if TELEMETRY.schema[entry.column] == pl.Boolean:
        return Conversion()
    wanted = TELEMETRY.column(entry.column).unit
    stated = signal.unit if signal.unit and known_unit(signal.unit) else entry.unit
    return conversion(stated or wanted, wanted)


def _converted(values: F64, convert: Conversion) -> F64:
    converted: F64 = values * convert.factor
    if convert.divisor != 1.0:
        converted /= convert.divisor
    if convert.offset != 0.0:
        converted += convert.offset
    return converted


def _states(values: F64, entry: Entry) -> F64:
    """1 for yes, 0 for no."""
    is_true: npt.NDArray[np.bool_] = np.isin(values, list(entry.true_values)) if entry.true_values else values != 0
    return np.where(np.isnan(values), np.nan, is_true.astype(np.float64))


def _joined(parts: list[Reading]) -> dict[str, list[Reading]]:
    """Candidates per column, the preferred first; parts of one candidate are put in the order of rows."""
    groups: dict[tuple[str, Rank], list[Reading]] = {}
    for part in parts:
        groups.setdefault((part.column, part.rank), []).append(part)
    joined: dict[str, list[Reading]] = {}
    for (column, rank), members in sorted(groups.items(), key=lambda item: item[0]):
        rows = np.concatenate([member.rows for member in members])
        values = np.concatenate([member.values for member in members])
        order = np.argsort(rows, kind="stable") if len(members) > 1 or np.any(rows[1:] < rows[:-1]) else slice(None)
        joined.setdefault(column, []).append(Reading(column, rank, rows[order], values[order]))
    return joined
