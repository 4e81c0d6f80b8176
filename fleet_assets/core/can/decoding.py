"""Frames in, columns out: grouping, assembly of long messages, extraction, and the count of what became of each frame.

Belongs here: the order of the steps. Does not belong here: the steps (one module each beside this one).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.core.can.arena import Arena
from fleet_assets.core.can.assembly import Assembled, assemble
from fleet_assets.core.can.binding import Bindings
from fleet_assets.core.can.counts import DecodeCounts
from fleet_assets.core.can.database import Message, Signal, parameter_group
from fleet_assets.core.can.extraction import (
    blank_short,
    extract,
    needs_whole_numbers,
    plan_of,
    raw_numbers,
    whole_number_values,
)
from fleet_assets.core.can.grouping import (
    PAIR_SHIFT,
    FrameArrays,
    KeyedFrames,
    Slots,
    distinct,
    key_frames,
    sort_into_slots,
)
from fleet_assets.core.can.multiplexing import variants
from fleet_assets.core.can.order import OrderedFrames, in_order
from fleet_assets.core.can.payload import INLINE_BYTES, U8, U32, byte_matrix, padded_rows, views
from fleet_assets.core.can.payload_group import PayloadGroup
from fleet_assets.core.can.routing import TP_DATA, Kind, Pair, Routes, Slot, pairs_of, route
from fleet_assets.core.can.transports import TransportFrames, fast_packet, iso_tp, j1939_transport
from fleet_assets.core.compiled import F64, I64

_CONVERSATION = (1 << 64) - (1 << PAIR_SHIFT) | 0xFFFF
"""Bits of a key that tell conversations of the J1939 transport protocol apart: vehicle and bus, receiver, sender."""


@dataclass(frozen=True)
class DecodedMessage:
    """Payloads of one message that hold the same signals. `rows`: number of the completing frame of each;
    `values`: a row a signal, NaN where there is no value; `unavailable`: how many were codes for that, per signal."""

    message: Message
    signals: tuple[Signal, ...]
    rows: U32
    values: F64
    unavailable: I64
    group: PayloadGroup

    def codes(self, signal: Signal) -> I64:
        """Raw values of one signal, for the names its database gives them."""
        words, local = self.group.source(signal)
        return raw_numbers(words, local).astype(np.int64)


@dataclass(frozen=True)
class Decoded:
    """`frames`: the rows decoded, in the order of vehicle, time and entry; `messages` refer to them by number."""

    frames: pl.DataFrame
    messages: tuple[DecodedMessage, ...]
    counts: DecodeCounts


def decode(frames: pl.DataFrame, bindings: Bindings) -> Decoded:
    """All signals of all frames (contracts.RAW_CAN), a column a signal.

    A value is null (NaN) where its signal is not completely in the payload and where the bus says error or not
    available. Payloads shorter than their DLC lost trailing zeros in some tool and get them back. The order of the rows
    does not matter; entry_id is needed only to tell the order of frames of one instant, received_at not at all.
    """
    ordered = in_order(frames)
    if ordered.frames.is_empty():
        return Decoded(ordered.frames, (), DecodeCounts(problems=bindings.problems))
    arrays, names = frame_arrays(ordered)
    messages, counts = decode_arrays(arrays, ordered.frames, names, bindings)
    return Decoded(ordered.frames, messages, counts)


def frame_arrays(ordered: OrderedFrames) -> tuple[FrameArrays, list[tuple[str, str]]]:
    """Frames as arrays, payloads not copied, and the (vehicle_id, bus) behind each pair code."""
    frames = ordered.frames
    pair_codes, names = _pairs(ordered)
    arrays = FrameArrays(
        pair_codes,
        frames["arbitration_id"].to_numpy(),
        frames["is_extended"].to_numpy(),
        frames["is_error"].fill_null(value=False).to_numpy(),
        frames["is_fd"].fill_null(value=False).to_numpy(),
        views(frames["data"]),
        frames["dlc"].to_numpy(),
    )
    return arrays, names


def decode_arrays(
    arrays: FrameArrays, frames: pl.DataFrame, names: list[tuple[str, str]], bindings: Bindings
) -> tuple[tuple[DecodedMessage, ...], DecodeCounts]:
    """Columns of frames that are arrays already. `names`: (vehicle_id, bus) behind each pair code. `frames` has the
    columns recorded_at and data of the same rows; it is looked at only for payloads of more than 8 bytes and for
    messages of several frames."""
    keyed = key_frames(arrays)
    pairs = pairs_of(keyed, names, bindings)
    routes = route(keyed, pairs)
    slots = sort_into_slots(arrays, keyed, routes.slot_of_key, len(routes.slots))
    run = _Run(arrays, frames, pairs, keyed, routes, slots)
    messages = [decoded for number in range(len(routes.slots)) for decoded in run.slot(number)]
    return tuple(messages), run.counts(messages, bindings.problems)


class _Run:
    """One decoding: what every step needs, and the tallies."""

    def __init__(
        self, arrays: FrameArrays, frames: pl.DataFrame, pairs: dict[int, Pair], keyed: KeyedFrames, routes: Routes,
        slots: Slots,
    ) -> None:  # fmt: skip
        self.arrays, self.frames, self.pairs, self.keyed = arrays, frames, pairs, keyed
        self.routes, self.slots = routes, slots
        self.arena = Arena(_value_count(routes, slots))
        self.tally = dict.fromkeys(("decoded", "transport", "assembled", "incomplete", "short", "selectors"), 0)

    def slot(self, number: int) -> Iterator[DecodedMessage]:
        """The messages of one slot."""
        slot = self.routes.slots[number]
        part = slice(self.slots.starts[number], self.slots.starts[number + 1])
        rows = self.slots.rows[part]
        if slot.kind is Kind.MESSAGE:
            assert slot.message is not None
            self.tally["decoded"] += len(rows)
            yield from self.message(slot.message, self.direct(number, part, slot.message))
            return
        self.tally["transport"] += len(rows)
        for message, group in self.transported(slot, rows):
            yield from self.message(message, group)

    def direct(self, number: int, part: slice, message: Message) -> PayloadGroup:
        """The payloads of frames that each are a whole message."""
        rows, lengths = self.slots.rows[part], self.slots.lengths[part]
        longest = self.keyed.longest[self.routes.slot_of_key == number].max()
        if message.needed_bytes <= 8 and longest <= INLINE_BYTES:
            return PayloadGroup(rows, lengths, words=self.slots.words[part])
        matrix, _ = byte_matrix(self.frames["data"].gather(rows), max(message.needed_bytes, 1))
        return PayloadGroup(rows, lengths, matrix=matrix)

    def transported(self, slot: Slot, rows: U32) -> Iterator[tuple[Message, PayloadGroup]]:
        """The complete messages among frames that carry parts of messages."""
        frames = self.transport_frames(slot, rows)
        if slot.kind is Kind.J1939_TP:
            is_data = (self.arrays.arbitration_id[rows] >> 8 & 0x3FF00) == TP_DATA
            yield from self.by_group(self.tallied(assemble(j1939_transport(frames, is_data))))
            return
        assert slot.message is not None
        cut = iso_tp if slot.kind is Kind.ISO_TP else fast_packet
        whole = self.tallied(assemble(cut(frames)))
        yield slot.message, _assembled_group(slot.message, whole, np.arange(len(whole.rows)))

    def transport_frames(self, slot: Slot, rows: U32) -> TransportFrames:
        data = self.frames["data"].gather(rows)
        lengths = np.maximum(self.arrays.dlc[rows].astype(np.int64), data.bin.size().to_numpy())
        matrix, _ = byte_matrix(data, max(int(lengths.max()), 8))
        stream = self.keyed.keys[self.keyed.code[rows]]
        if slot.kind is Kind.J1939_TP:
            # TP.CM and TP.DT of one conversation differ in the parameter group and may differ in priority.
            stream = stream & np.uint64(_CONVERSATION)
        _, numbers = np.unique(stream, return_inverse=True)
        at = self.frames["recorded_at"].to_physical().gather(rows).to_numpy()
        return TransportFrames(rows, at, numbers.astype(np.int64), matrix, lengths)

    def tallied(self, whole: Assembled) -> Assembled:
        self.tally["assembled"] += len(whole.rows)
        self.tally["incomplete"] += whole.incomplete
        return whole

    def by_group(self, whole: Assembled) -> Iterator[tuple[Message, PayloadGroup]]:
        """Messages of the J1939 transport protocol by the parameter group they announced."""
        pair = self.arrays.pair[whole.rows].astype(np.int64)
        found: dict[int, tuple[Message, list[int]]] = {}
        tags, inverse = np.unique(pair << 24 | whole.tag, return_inverse=True)
        for k, tag in enumerate(tags.tolist()):
            database = self.pairs[tag >> 24].database
            message = database.message_of_group(parameter_group((tag & 0x3FFFF) << 8)) if database else None
            if message is not None:
                found.setdefault(id(message), (message, []))[1].append(k)
        for message, numbers in found.values():
            yield message, _assembled_group(message, whole, np.flatnonzero(np.isin(inverse, numbers)))

    def message(self, message: Message, group: PayloadGroup) -> Iterator[DecodedMessage]:
        """Values of all payloads of one message, a part for each set of signals they hold."""
        if not len(group):
            return
        self.tally["short"] += len(group.short(message.needed_bytes))
        for variant in variants(message, group):
            part = group if variant.index is None else group.take(variant.index)
            self.tally["selectors"] += len(part) if variant.is_unknown else 0
            if variant.signals:
                yield _decoded(message, variant.signals, part, self.arena.matrix(len(variant.signals), len(part)))

    def counts(self, messages: list[DecodedMessage], problems: tuple[str, ...]) -> DecodeCounts:
        tally = self.tally
        return DecodeCounts(
            frames=len(self.arrays.pair), decoded=tally["decoded"], transport=tally["transport"],
            assembled=tally["assembled"], incomplete=tally["incomplete"], short_payloads=tally["short"],
            unknown_selectors=tally["selectors"],
            unavailable_values=sum(int(decoded.unavailable.sum()) for decoded in messages),
            problems=problems, **self.routes.reasons,
        )  # fmt: skip


def _pairs(ordered: OrderedFrames) -> tuple[U32, list[tuple[str, str]]]:
    """A code per row for its (vehicle_id, bus), and the pair behind each code."""
    bus, buses = distinct(ordered.frames["bus"])
    names = [(vehicle_id, name) for vehicle_id in ordered.vehicles for name in buses]
    if len(ordered.vehicles) == 1:
        return bus, names
    return ordered.vehicle * np.uint32(len(buses)) + bus, names


def _assembled_group(message: Message, whole: Assembled, index: I64) -> PayloadGroup:
    lengths = np.diff(whole.starts)[index]
    width = max(message.needed_bytes, 1)
    matrix: U8 = padded_rows(whole.flat, whole.starts, width)[index]
    return PayloadGroup(whole.rows[index], lengths, matrix=matrix)


def _value_count(routes: Routes, slots: Slots) -> int:
    """Values of all messages that are not multiplexed, which always hold the same signals."""
    sizes = zip(routes.slots, np.diff(slots.starts).tolist(), strict=True)
    return sum(len(s.message.signals) * n for s, n in sizes if s.message is not None and not s.message.selectors)


def _decoded(message: Message, signals: tuple[Signal, ...], group: PayloadGroup, values: F64) -> DecodedMessage:
    unavailable = np.zeros(len(signals), dtype=np.int64)
    if group.words is not None:
        unavailable = extract(group.words, plan_of(signals), values)
    for j, signal in enumerate(signals):
        if group.words is None:
            words, local = group.source(signal)
            unavailable[j : j + 1] = extract(words, plan_of([local]), values[j : j + 1])
        if needs_whole_numbers(signal):
            is_code = np.isnan(values[j]) if signal.limit else None
            values[j] = whole_number_values(*group.source(signal))
            if is_code is not None:
                values[j, is_code] = np.nan
    short = group.short(message.needed_bytes)
    if len(short):
        blank_short(values, short, group.lengths[short], signals)
    return DecodedMessage(message, signals, group.rows, values, unavailable, group)
