"""One decoding: slots of frames, messages put together, values, and the tally of what became of each frame.

Belongs here: the order of the steps for frames that are arrays. Does not belong here: the steps themselves (one module
each beside this one), and tables in and out (`decoding`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.core.can.arena import Memory
from fleet_assets.core.can.assembly import Assembled, assemble
from fleet_assets.core.can.binding import Bindings
from fleet_assets.core.can.counts import DecodeCounts
from fleet_assets.core.can.database import Message, Signal, parameter_group
from fleet_assets.core.can.extraction import Plan, blank_short, extract, plan_of, raw_numbers, whole_number_values
from fleet_assets.core.can.grouping import PAIR_SHIFT, FrameArrays, KeyedFrames, key_frames, sort_into_slots
from fleet_assets.core.can.multiplexing import variants
from fleet_assets.core.can.payload import INLINE_BYTES, U8, U32, byte_matrix, padded_rows
from fleet_assets.core.can.payload_group import PayloadGroup
from fleet_assets.core.can.routing import TP_DATA, Kind, Routes, Slot, pairs_of, route
from fleet_assets.core.can.transports import TransportFrames, fast_packet, iso_tp, j1939_transport
from fleet_assets.core.compiled import F64, I64

_CONVERSATION = (1 << 64) - (1 << PAIR_SHIFT) | 0xFFFF
"""Bits of a key that tell conversations of the J1939 transport protocol apart: vehicle and bus, receiver, sender."""
_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class DecodedMessage:
    """Payloads of one message that hold the same signals. `rows`: number of the completing frame of each;
    `values`: a row a signal, NaN where there is no value; `unavailable`: how many were codes for that, per signal;
    `group`: the payloads, kept only where values have names."""

    message: Message
    signals: tuple[Signal, ...]
    rows: U32
    values: F64
    unavailable: I64
    group: PayloadGroup | None

    def codes(self, signal: Signal) -> pl.Series:
        """Raw values of one signal whose values have names; null where the signal is not completely in its payload."""
        assert self.group is not None, "kept for messages with named values"
        words, local = self.group.source(signal)
        raw = pl.Series(raw_numbers(words, local).astype(np.int64))
        return raw.scatter(self.group.without(signal), None)


class Run:
    """One decoding: what every step needs, and the tallies."""

    def __init__(
        self, arrays: FrameArrays, frames: pl.DataFrame, names: Sequence[tuple[str, str]], bindings: Bindings,
        memory: Memory,
    ) -> None:  # fmt: skip
        self.arrays, self.frames, self.problems = arrays, frames, bindings.problems
        self.keyed = key_frames(arrays, memory.scratch)
        self.pairs = pairs_of(self.keyed, names, bindings)
        self.routes = route(self.keyed, self.pairs)
        messages = [slot.message for slot in self.routes.slots]
        needed = np.array([message.needed_bytes if message else 0 for message in messages], dtype=np.int64)
        self.memory = memory
        self.memory.kept.expect(_kept_bytes(self.keyed, self.routes))
        self.slots = sort_into_slots(arrays, self.keyed, self.routes.slot_of_key, needed, memory)
        self.longest = _longest(self.keyed, self.routes)
        self.tally = dict.fromkeys(("decoded", "transport", "assembled", "incomplete", "short", "selectors"), 0)

    def messages(self, *, has_transport: bool = True) -> tuple[DecodedMessage, ...]:
        """The messages of all slots, or only of those whose frames are whole messages."""
        slots = enumerate(self.routes.slots)
        numbers = [k for k, slot in slots if has_transport or slot.kind is Kind.MESSAGE]
        return tuple(decoded for number in numbers for decoded in self.slot(number))

    def slot(self, number: int) -> Iterator[DecodedMessage]:
        """The messages of one slot."""
        slot = self.routes.slots[number]
        rows = self.slots.rows[self.slots.parts[number]]
        if slot.kind is Kind.MESSAGE:
            assert slot.message is not None
            self.tally["decoded"] += len(rows)
            yield from self.message(slot.message, self.direct(number, slot.message))
            return
        self.tally["transport"] += len(rows)
        for message, group in self.transported(slot, rows):
            yield from self.message(message, group)

    def direct(self, number: int, message: Message) -> PayloadGroup:
        """The payloads of frames that each are a whole message."""
        part, short_part = self.slots.parts[number], self.slots.short_parts[number]
        rows, short, lengths = self.slots.rows[part], self.slots.short[short_part], self.slots.short_lengths[short_part]
        if message.needed_bytes <= 8 and self.longest[number] <= INLINE_BYTES:
            return PayloadGroup(rows, short, lengths, words=self.slots.words[part])
        matrix, _ = byte_matrix(self.frames["data"].gather(rows), max(message.needed_bytes, 1))
        return PayloadGroup(rows, short, lengths, matrix=matrix)

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
        pair = self.arrays.pair[whole.rows].astype(np.int64) if len(self.arrays.pair) else np.int64(0)
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
        if not len(group) or not message.signals:
            return
        self.tally["short"] += len(group.short)
        if not message.selectors:
            yield self.values(message, message.signals, group)
            return
        for variant in variants(message, group):
            part = group.take(variant.index)
            self.tally["selectors"] += len(part) if variant.is_unknown else 0
            if variant.signals:
                yield self.values(message, variant.signals, part)

    def values(self, message: Message, signals: tuple[Signal, ...], group: PayloadGroup) -> DecodedMessage:
        """Values of payloads that hold the same signals."""
        return _decoded(message, signals, group, self.memory.kept.values(len(signals), len(group)))

    def deferred(self) -> I64:
        """Frames that carry parts of messages, for decoding them later together with those of other batches."""
        numbers = [k for k, slot in enumerate(self.routes.slots) if slot.kind is not Kind.MESSAGE]
        parts = [self.slots.rows[self.slots.parts[k]] for k in numbers]
        return np.sort(np.concatenate([_NONE, *parts]))

    def counts(self, messages: Sequence[DecodedMessage], deferred: int = 0) -> DecodeCounts:
        """What became of the frames, those that were put off left out."""
        tally = self.tally
        return DecodeCounts(
            frames=len(self.arrays.dlc) - deferred, decoded=tally["decoded"], transport=tally["transport"],
            assembled=tally["assembled"], incomplete=tally["incomplete"], short_payloads=tally["short"],
            unknown_selectors=tally["selectors"],
            unavailable_values=int(np.concatenate([_NONE, *(decoded.unavailable for decoded in messages)]).sum()),
            problems=self.problems, **self.routes.reasons,
        )  # fmt: skip


def _assembled_group(message: Message, whole: Assembled, index: I64) -> PayloadGroup:
    lengths = np.diff(whole.starts)[index]
    width = max(message.needed_bytes, 1)
    matrix: U8 = padded_rows(whole.flat, whole.starts, width)[index]
    short = np.flatnonzero(lengths < message.needed_bytes)
    return PayloadGroup(whole.rows[index], short, lengths[short], matrix=matrix)


def _longest(keyed: KeyedFrames, routes: Routes) -> list[int]:
    """Most payload bytes of a frame per slot."""
    is_routed = routes.slot_of_key >= 0
    longest = np.zeros(len(routes.slots), dtype=np.int64)
    np.maximum.at(longest, routes.slot_of_key[is_routed], keyed.longest[is_routed])
    return longest.tolist()


def _kept_bytes(keyed: KeyedFrames, routes: Routes) -> int:
    """Memory for the places of all frames and the values of all messages that are not multiplexed."""
    messages = [slot.message for slot in routes.slots]
    columns = np.array([len(m.signals) if m is not None and not m.selectors else 0 for m in messages] + [0])
    return int((4 + 8 * columns[routes.slot_of_key]) @ keyed.counts) + 64 * (len(messages) + 1)


def _decoded(message: Message, signals: tuple[Signal, ...], group: PayloadGroup, values: F64) -> DecodedMessage:
    plan = _plan(message, signals)
    if group.words is not None:
        unavailable = extract(group.words, plan, values)
    else:
        unavailable = np.zeros(len(signals), dtype=np.int64)
        for j, signal in enumerate(signals):
            words, local = group.source(signal)
            unavailable[j : j + 1] = extract(words, plan_of([local]), values[j : j + 1])
    for j in plan.whole_numbers:
        is_code = np.isnan(values[j]) if signals[j].limit else np.zeros(len(group), dtype=np.bool_)
        values[j] = np.where(is_code, np.nan, whole_number_values(*group.source(signals[j])))
    if len(group.short):
        blank_short(group.short, group.short_lengths, plan.shifts, values)
    return DecodedMessage(message, signals, group.rows, values, unavailable, group.own() if plan.has_names else None)


def _plan(message: Message, signals: tuple[Signal, ...]) -> Plan:
    """The plan of these signals, made once per message and set of signals."""
    key = () if signals is message.signals else tuple(signal.name for signal in signals)
    if key not in message.plans:
        message.plans[key] = plan_of(signals)
    plan: Plan = message.plans[key]
    return plan
