"""Decoded signals as candidates for telemetry columns: matched with the map, converted, validated.

Belongs here: which payloads give which column, and what of them is an observation. Does not belong here: the choice
between candidates and the grid (`sources.can`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.contracts import TELEMETRY
from fleet_assets.core.can import Decoded, DecodedMessage, Signal
from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.units import Conversion, conversion, known_unit
from fleet_assets.sources.signal_map import POSITION, Entry, SignalMap

NO_SENDER = -1
"""Source address of protocols that have none."""

BUS_CODE = "error or not available on the bus"
NOT_VALID = "the device calls it invalid"


@dataclass(frozen=True)
class Reading:
    """Values of one signal from one kind of sender. `rows`: frame numbers, ascending; NaN: no value.

    `rank`: place of the entry and of the sender in the order of preference, the smallest first.
    """

    column: str
    rank: tuple[int, int, int]
    rows: I64
    values: F64


class Readings:
    """All candidates of all columns, with what became null on the way and what of the map could not be used."""

    def __init__(self, decoded: Decoded, signal_map: SignalMap) -> None:
        self.nulled: dict[tuple[str, str], int] = {}
        self.problems: set[str] = set()
        self._arbitration_id = decoded.frames["arbitration_id"].to_numpy()
        entries = {entry.key: (place, entry) for place, entry in enumerate(signal_map.entries)}
        parts = [reading for message in decoded.messages for reading in self._of_message(message, entries)]
        self.by_column = _joined(parts)

    def _of_message(
        self, part: DecodedMessage, entries: Mapping[tuple[str, str], tuple[int, Entry]]
    ) -> Iterator[Reading]:
        found = []
        for j, signal in enumerate(part.signals):
            place, entry = entries.get((part.message.name, signal.name), (0, None))
            if entry is not None and entry.column is not None:
                values = self._values(part, j, entry.column, entry)
                if values is not None:
                    found.append((place, entry, values))
        _keep_whole_positions([(entry.column, values) for _, entry, values in found])
        for place, entry, values in found:
            yield from self._by_sender(part, place, entry, values)

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

    def _by_sender(self, part: DecodedMessage, place: int, entry: Entry, values: F64) -> Iterator[Reading]:
        assert entry.column is not None
        rows = part.rows.astype(np.int64)
        if not part.message.protocol.has_parameter_groups:
            yield Reading(entry.column, (place, 0, NO_SENDER), rows, values)
            return
        senders = self._arbitration_id[rows] & np.uint32(0xFF)
        order = entry.source_addresses
        for sender in np.unique(senders).tolist():
            index = np.flatnonzero(senders == sender)
            preference = order.index(sender) if sender in order else len(order)
            yield Reading(entry.column, (place, preference, sender), rows[index], values[index])

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


def _keep_whole_positions(found: list[tuple[str | None, F64]]) -> None:
    """A latitude without its longitude is no position, nor the other way round."""
    halves = [values for column, values in found if column in POSITION]
    if len(halves) == len(POSITION):
        is_half = np.isnan(halves[0]) | np.isnan(halves[1])
        for values in halves:
            values[is_half] = np.nan


def _joined(parts: list[Reading]) -> dict[str, list[Reading]]:
    """Candidates per column, the preferred first; parts of one candidate are put in the order of rows."""
    groups: dict[tuple[str, tuple[int, int, int]], list[Reading]] = {}
    for part in parts:
        groups.setdefault((part.column, part.rank), []).append(part)
    joined: dict[str, list[Reading]] = {}
    for (column, rank), members in sorted(groups.items(), key=lambda item: item[0]):
        rows = np.concatenate([member.rows for member in members])
        values = np.concatenate([member.values for member in members])
        order = np.argsort(rows, kind="stable") if len(members) > 1 or np.any(rows[1:] < rows[:-1]) else slice(None)
        joined.setdefault(column, []).append(Reading(column, rank, rows[order], values[order]))
    return joined
