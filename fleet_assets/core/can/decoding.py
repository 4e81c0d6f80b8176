"""Frames in, columns out.

Belongs here: tables of frames as arrays, whole or in batches. Does not belong here: the steps of decoding (`run`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.core.can.arena import SHARED_BLOCK, Arena, Memory
from fleet_assets.core.can.binding import Bindings
from fleet_assets.core.can.counts import DecodeCounts
from fleet_assets.core.can.distinct import distinct
from fleet_assets.core.can.grouping import Flags, FrameArrays
from fleet_assets.core.can.order import OrderedFrames, in_order
from fleet_assets.core.can.payload import U32, views
from fleet_assets.core.can.routing import Undecoded
from fleet_assets.core.can.run import DecodedMessage, Run
from fleet_assets.core.compiled import read_only


@dataclass(frozen=True)
class Decoded:
    """`frames`: the rows decoded, in the order of vehicle, time and entry; `messages` refer to them by number;
    `undecoded`: the identifiers that no database describes."""

    frames: pl.DataFrame
    messages: tuple[DecodedMessage, ...]
    counts: DecodeCounts
    undecoded: tuple[Undecoded, ...] = ()


def decode(frames: pl.DataFrame, bindings: Bindings) -> Decoded:
    """All signals of all frames (contracts.RAW_CAN), a column a signal.

    A value is null (NaN) where its signal is not completely in the payload and where the bus says error or not
    available. A payload is as long as its bytes, whatever the DLC says. The order of the rows does not matter; entry_id
    is needed only to tell the order of frames of one instant, received_at and dlc not at all.
    """
    ordered = in_order(frames)
    if ordered.frames.is_empty():
        return Decoded(ordered.frames, (), DecodeCounts(problems=bindings.problems))
    arrays, names = frame_arrays(ordered)
    run = Run(arrays, ordered.frames, names, bindings, Memory(Arena(0), Arena(0)))
    messages = run.messages()
    return Decoded(ordered.frames, messages, run.counts(messages), run.undecoded())


def frame_arrays(ordered: OrderedFrames) -> tuple[FrameArrays, list[tuple[str, str]]]:
    """Frames as arrays, payloads not copied, and the (vehicle_id, bus) behind each pair code."""
    frames = ordered.frames
    pair_codes, names = _pairs(ordered)
    arrays = FrameArrays(
        pair_codes,
        read_only(frames["arbitration_id"].to_numpy()),
        _flags(frames["is_extended"]),
        _flags(frames["is_error"]),
        _flags(frames["is_fd"]),
        tuple(views(chunk) for chunk in frames["data"].get_chunks()),
    )
    return arrays, names


def _flags(column: pl.Series) -> Flags:
    """A byte a row, or nothing where no row is flagged (most often error frames and CAN FD)."""
    return read_only(column.fill_null(value=False).to_numpy() if column.any() else np.empty(0, dtype=np.bool_))


def decode_arrays(
    arrays: FrameArrays, frames: pl.DataFrame, names: Sequence[tuple[str, str]], bindings: Bindings
) -> tuple[tuple[DecodedMessage, ...], DecodeCounts]:
    """Columns of frames that are arrays already. `names`: (vehicle_id, bus) behind each pair code. `frames` has the
    columns recorded_at and data of the same rows; it is looked at only for payloads of more than 8 bytes and for
    messages of several frames."""
    run = Run(arrays, frames, names, bindings, Memory(Arena(0), Arena(0)))
    messages = run.messages()
    return messages, run.counts(messages)


def decode_batches(batches: Iterable[pl.DataFrame], bindings: Bindings) -> Iterator[Decoded]:
    """The same for frames that do not all fit into memory, batch by batch.

    Frames that carry parts of longer messages are few: they are put aside and decoded together at the end, so that
    where the batches are cut never shows. Echo buses are recognised within a batch.
    """
    aside: list[pl.DataFrame] = []
    memory = Memory(Arena(SHARED_BLOCK), Arena(SHARED_BLOCK))
    for batch in batches:
        if batch.height:
            yield _decode_batch(batch, bindings, memory, aside)
        # The memory of one batch serves the next.
        del batch
        memory.scratch.reuse()
    if aside:
        yield decode(pl.concat(aside), bindings)


def _decode_batch(batch: pl.DataFrame, bindings: Bindings, memory: Memory, aside: list[pl.DataFrame]) -> Decoded:
    """The frames that are whole messages; those that carry parts of messages are put `aside`."""
    ordered = in_order(batch)
    arrays, names = frame_arrays(ordered)
    run = Run(arrays, ordered.frames, names, bindings, memory)
    messages = run.messages(has_transport=False)
    deferred = run.deferred()
    if len(deferred):
        aside.append(ordered.frames[deferred])
    return Decoded(ordered.frames, messages, run.counts(messages, len(deferred)), run.undecoded())


def _pairs(ordered: OrderedFrames) -> tuple[U32, list[tuple[str, str]]]:
    """A code per row for its (vehicle_id, bus), and the pair behind each code."""
    bus, buses = distinct(ordered.frames["bus"])
    names = [(vehicle_id, name) for vehicle_id in ordered.vehicles for name in buses]
    if len(ordered.vehicles) == 1 or not len(bus):
        return (bus if len(ordered.vehicles) == 1 else ordered.vehicle), names
    return ordered.vehicle * np.uint32(len(buses)) + bus, names
