"""One decoding: slots of frames, messages put together, values, and the tally of what became of each frame.

Belongs here: the order of the steps for frames that are arrays. Does not belong here: the steps themselves (one module
each beside this one), and tables in and out (`decoding`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fleet_assets.core.can.answers import part_answers
from fleet_assets.core.can.arena import Memory
from fleet_assets.core.can.assembly import Assembled, Pieces, assemble
from fleet_assets.core.can.binding import Bindings
from fleet_assets.core.can.counts import DecodeCounts
from fleet_assets.core.can.database import Message, Signal, parameter_group
from fleet_assets.core.can.extraction import (
    Plan,
    blank_short,
    extract,
    named_values,
    plan_of,
    raw_numbers,
    whole_number_values,
)
from fleet_assets.core.can.grouping import (
    EXTENDED,
    FD,
    LONG,
    PAIR_SHIFT,
    FrameArrays,
    KeyedFrames,
    key_frames,
    sort_into_slots,
)
from fleet_assets.core.can.multiplexing import variants
from fleet_assets.core.can.payload import INLINE_BYTES, U32, U64, byte_matrix, padded_rows
from fleet_assets.core.can.payload_group import PayloadGroup, Payloads
from fleet_assets.core.can.routing import TP_DATA, Kind, Routes, Slot, Undecoded, pairs_of, route
from fleet_assets.core.can.transports import (
    TransportFrames,
    answers_sender,
    are_iso_tp,
    fast_packet,
    iso_tp,
    j1939_transport,
)
from fleet_assets.core.compiled import F64, I64

_KIND_OF_FRAME = LONG | FD
_NONE = np.empty(0, dtype=np.int64)
_TALLIED = ("decoded", "transport", "assembled", "incomplete", "short", "parameters", "selectors")


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
        self.routes = route(self.keyed, self.pairs, self.are_iso_tp)
        messages = [slot.message for slot in self.routes.slots]
        needed = np.array([message.needed_bytes if message else 0 for message in messages], dtype=np.int64)
        self.memory = memory
        self.memory.kept.expect(_kept_bytes(self.keyed, self.routes))
        self.slots = sort_into_slots(arrays, self.keyed, self.routes.slot_of_key, needed, memory)
        self.longest = _longest(self.keyed, self.routes)
        self.tally = dict.fromkeys(_TALLIED, 0)

    def messages(self, *, has_transport: bool = True) -> tuple[DecodedMessage, ...]:
        """The messages of all slots, or only of those whose frames are whole messages."""
        slots = enumerate(self.routes.slots)
        numbers = [k for k, slot in slots if has_transport or slot.kind is Kind.MESSAGE]
        return tuple(decoded for number in numbers for decoded in self.slot(number))

    def slot(self, number: int) -> Iterator[DecodedMessage]:
        """The messages of one slot."""
        slot = self.routes.slots[number]
        rows = self.slots.rows[self.slots.parts[number]]
        self.tally["decoded" if slot.kind is Kind.MESSAGE else "transport"] += len(rows)
        if slot.kind is Kind.J1939_TP:
            for message, group in self.by_group(self.assembled(slot, rows)):
                yield from self.message(message, group)
        elif slot.message is not None and slot.message.answers is not None:
            yield from self.answered(slot.message, self.payloads(slot, rows), is_named=slot.is_named)
        elif slot.message is not None and slot.kind is Kind.MESSAGE:
            yield from self.message(slot.message, self.direct(number, slot.message))
        elif slot.message is not None:
            whole = self.assembled(slot, rows)
            yield from self.message(slot.message, _assembled_group(slot.message, whole, np.arange(len(whole.rows))))

    def direct(self, number: int, message: Message) -> PayloadGroup:
        """The payloads of frames that each are a whole message."""
        part, short_part = self.slots.parts[number], self.slots.short_parts[number]
        rows, short, lengths = self.slots.rows[part], self.slots.short[short_part], self.slots.short_lengths[short_part]
        if message.needed_bytes <= 8 and self.longest[number] <= INLINE_BYTES:
            return PayloadGroup(rows, short, lengths, words=self.slots.words[part])
        matrix, _ = byte_matrix(self.frames["data"].gather(rows), max(message.needed_bytes, 1))
        return PayloadGroup(rows, short, lengths, matrix=matrix)

    def assembled(self, slot: Slot, rows: U32) -> Assembled:
        """The complete messages among frames that carry parts of messages."""
        frames = self.transport_frames(rows)
        if slot.kind is Kind.J1939_TP:
            whole = assemble(self.j1939_pieces(frames))
        else:
            whole = assemble((iso_tp if slot.kind is Kind.ISO_TP else fast_packet)(frames))
        self.tally["assembled"] += len(whole.rows)
        self.tally["incomplete"] += whole.incomplete
        return whole

    def transport_frames(self, rows: U32) -> TransportFrames:
        """Frames as their protocol sees them; each identifier of a bus is a stream of its own."""
        data = self.frames["data"].gather(rows)
        lengths = data.bin.size().to_numpy().astype(np.int64)
        matrix, _ = byte_matrix(data, max(int(lengths.max(initial=0)), 8))
        stream = self.keyed.keys[self.keyed.code[rows]] & ~np.uint64(_KIND_OF_FRAME)
        at = self.frames["recorded_at"].to_physical().gather(rows).to_numpy()
        return TransportFrames(rows, at, _numbered(stream), matrix, lengths)

    def j1939_pieces(self, frames: TransportFrames) -> Pieces:
        """TP.CM and TP.DT of one conversation differ in the parameter group and may differ in priority."""
        identifier = self.arrays.arbitration_id[frames.rows]
        is_data = (identifier >> 8 & 0x3FF00) == TP_DATA
        ends = (identifier & 0xFFFF).astype(np.uint64)
        swapped = ends >> np.uint64(8) | (ends & np.uint64(0xFF)) << np.uint64(8)
        ends = np.where(~is_data & answers_sender(frames.byte(0)), swapped, ends)
        pairs = self.keyed.keys[self.keyed.code[frames.rows]] >> np.uint64(PAIR_SHIFT) << np.uint64(PAIR_SHIFT)
        return j1939_transport(replace(frames, stream=_numbered(pairs | ends)), is_data)

    def are_iso_tp(self, number: int) -> bool:
        """Whether all frames of one key can be of ISO-TP."""
        rows = np.flatnonzero(self.keyed.code == number).astype(np.uint32)
        return are_iso_tp(self.transport_frames(rows))

    def payloads(self, slot: Slot, rows: U32) -> Payloads:
        """Whole answers with all of their bytes: put together here or, each in one long frame, by some tool."""
        assert slot.message is not None
        least = slot.message.needed_bytes
        if slot.kind is Kind.MESSAGE:
            data = self.frames["data"].gather(rows)
            matrix, lengths = byte_matrix(data, max(least, int(data.bin.size().to_numpy().max(initial=0))))
            return Payloads(rows, matrix, lengths)
        whole = self.assembled(slot, rows)
        lengths = np.diff(whole.starts)
        matrix = padded_rows(whole.flat, whole.starts, max(least, int(lengths.max(initial=0))))
        return Payloads(whole.rows, matrix, lengths)

    def answered(self, message: Message, found: Payloads, *, is_named: bool) -> Iterator[DecodedMessage]:
        """Values of answers of OBD-II service 01, parameter by parameter, and of what else has such an identifier."""
        layout = message.answers
        assert layout is not None
        parted = part_answers(found.matrix, found.lengths, layout, message.needed_bytes)
        self.tally["parameters"] += parted.unknown
        self.tally["short"] += parted.cut
        first, further = np.flatnonzero(parted.is_first), np.flatnonzero(~parted.is_first)
        one_each = Payloads(found.rows[parted.source], parted.matrix, parted.lengths)
        for signals, part in self.variants(message, one_each.group(first, message.needed_bytes)):
            yield self.values(message, signals, part)
        for signals, part in self.variants(message, one_each.group(further, message.needed_bytes)):
            # What stands in front of the parameters is the same for all of them: it is said once.
            governed = tuple(signal for signal in signals if signal.name in layout.governed)
            if governed:
                yield self.values(message, governed, part)
        if is_named:
            yield from self.message(message, found.group(parted.other, message.needed_bytes))

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
        if not message.selectors:
            self.tally["short"] += len(group.short)
            yield self.values(message, message.signals, group)
            return
        for signals, part in self.variants(message, group):
            needed = max(signal.needed_bytes for signal in signals)
            self.tally["short"] += int(np.count_nonzero(part.short_lengths < needed))
            yield self.values(message, signals, part)

    def variants(self, message: Message, group: PayloadGroup) -> Iterator[tuple[tuple[Signal, ...], PayloadGroup]]:
        """Payloads of a multiplexed message by the signals they hold."""
        for variant in variants(message, group) if len(group) else ():
            part = group.take(variant.index)
            self.tally["selectors"] += len(part) if variant.is_unknown else 0
            if variant.signals:
                yield variant.signals, part

    def values(self, message: Message, signals: tuple[Signal, ...], group: PayloadGroup) -> DecodedMessage:
        """Values of payloads that hold the same signals."""
        return _decoded(message, signals, group, self.memory.kept.values(len(signals), len(group)))

    def deferred(self) -> I64:
        """Frames that carry parts of messages, for decoding them later together with those of other batches."""
        numbers = [k for k, slot in enumerate(self.routes.slots) if slot.kind is not Kind.MESSAGE]
        parts = [self.slots.rows[self.slots.parts[k]] for k in numbers]
        return np.sort(np.concatenate([_NONE, *parts]))

    def undecoded(self) -> tuple[Undecoded, ...]:
        """The identifiers that no database describes, with the frames of each."""
        found = []
        for number in self.routes.undecoded:
            key, count = int(self.keyed.keys[number]), int(self.keyed.counts[number])
            pair, frame_id = self.pairs[key >> PAIR_SHIFT], key & (EXTENDED - 1)
            is_bound, is_extended = pair.database is not None, bool(key & EXTENDED)
            found.append(Undecoded(pair.vehicle_id, pair.bus, frame_id, is_extended, is_bound, count))
        return tuple(found)

    def counts(self, messages: Sequence[DecodedMessage], deferred: int = 0) -> DecodeCounts:
        """What became of the frames, those that were put off left out."""
        tally = self.tally
        return DecodeCounts(
            frames=len(self.arrays.arbitration_id) - deferred, decoded=tally["decoded"], transport=tally["transport"],
            assembled=tally["assembled"], incomplete=tally["incomplete"], short_payloads=tally["short"],
            unknown_parameters=tally["parameters"], unknown_selectors=tally["selectors"],
            unavailable_values=int(np.concatenate([_NONE, *(decoded.unavailable for decoded in messages)]).sum()),
            problems=self.problems, **self.routes.reasons,
        )  # fmt: skip


def _assembled_group(message: Message, whole: Assembled, index: I64) -> PayloadGroup:
    matrix = padded_rows(whole.flat, whole.starts, max(message.needed_bytes, 1))
    return Payloads(whole.rows, matrix, np.diff(whole.starts)).group(index, message.needed_bytes)


def _numbered(streams: U64) -> I64:
    return np.unique(streams, return_inverse=True)[1].astype(np.int64)


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
    for j in plan.named:
        places, named = named_values(*group.source(signals[j]))
        values[j, places] = named
        unavailable[j] -= len(places)
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
