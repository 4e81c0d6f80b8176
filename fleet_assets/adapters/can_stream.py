"""The wire format of CAN frames in the Redis stream `can:raw`, in its two forms.

Belongs here: encoding batches to entries, decoding entries to rows, naming rows. Does not belong here: talking to Redis
(stream_producer, stream_group).

**Single form**, one entry a frame, readable by and from others:

    id       hex, `0x123`                          data     hex bytes, spaces allowed, `AA FF 04 10`
    ts       unix milliseconds                     ts_us    unix microseconds (optional, wins over ts)
    dlc      bytes stated (optional: bytes given)  vehicle  vehicle_id (optional: the worker's default)
    bus      name (optional: can0)                 flags    1 extended, 2 FD, 4 error, 8 remote (optional: id > 7FF)

**Packed form**, many frames of one vehicle and bus in an entry, arrays one after the other, little-endian:

    packed   version 1: ts_us i64[n] | arbitration_id u32[n] | flags u8[n] | dlc u8[n] | length u8[n] | payload bytes
    version  `1`             n        number of frames                    received_us  when the scanner had them
    vehicle  vehicle_id      bus      name

Our own scanners number their frames. Both forms then carry two fields more (other readers pass them over):

    producer name of the numbering: one run of a scanner, or one bus of one log file
    first    number of the entry's first frame, counted from 0

A row's `entry_id` is `<producer>-<number>`; of other writers `<origin>-<stream id>` (single) or `<origin>-<stream
id>-<ordinal>` (packed). Digits are padded with zeros, so that text order is order of reading. Delivered twice, or sent
again after Redis lost it, a frame has the same entry_id; a number that never comes is a frame that was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fleet_assets.adapters.entry_bounds import (
    EARLIEST_US,
    KNOWN_FLAGS,
    LATEST_US,
    MAX_BYTES,
    MAX_FRAMES,
    MAX_IDENTIFIER,
    MAX_NUMBER,
    EntryError,
    name,
    shown,
    whole,
)
from fleet_assets.adapters.frame_batch import FrameBatch

STREAM = "can:raw"
VERSION = b"1"
DEFAULT_BUS = "can0"
NUMBER_DIGITS = 12
_BYTES_PER_FRAME = 8 + 4 + 1 + 1 + 1

Fields = Mapping[bytes, bytes]
Entry = tuple[bytes, Fields]
"""A stream entry as redis-py gives it: id and fields."""


@dataclass(frozen=True)
class Batch:
    """Frames of one vehicle and bus with the instant (unix microseconds) at which the collector had them."""

    vehicle: str
    bus: str
    received_us: int
    frames: FrameBatch


def pack(batch: Batch) -> dict[bytes, bytes]:
    """The fields of one packed entry."""
    frames = batch.frames
    arrays = (
        frames.ts_us.astype("<i8"), frames.arbitration_id.astype("<u4"), frames.flags, frames.dlc, frames.length,
    )  # fmt: skip
    return {
        b"version": VERSION,
        b"vehicle": batch.vehicle.encode(),
        b"bus": batch.bus.encode(),
        b"n": str(len(frames)).encode(),
        b"received_us": str(batch.received_us).encode(),
        b"packed": b"".join([*(array.tobytes() for array in arrays), frames.payload]),
    }


class Packed(NamedTuple):
    """A packed entry whose frames are not looked at yet."""

    vehicle: str
    bus: str
    received_us: int
    frames: int
    arrays: bytes


def unpack(fields: Fields) -> Packed:
    """A packed entry; raises EntryError, saying what is wrong, when it is not one.

    What its names and frames say is judged by who decodes it (`frames_of` and `beyond_bounds`, of many at once).
    """
    if fields.get(b"version") != VERSION:
        raise EntryError(f"packed version {shown(fields.get(b'version'))} is unknown, this worker reads 1")
    count = whole(fields, b"n", 0, MAX_FRAMES)
    received = whole(fields, b"received_us", EARLIEST_US, LATEST_US)
    blob = fields[b"packed"]
    vehicle, bus = shown(fields.get(b"vehicle")), shown(fields.get(b"bus"))
    if not vehicle or not bus:
        raise EntryError("a packed entry needs vehicle and bus")
    if len(blob) < count * _BYTES_PER_FRAME:
        raise EntryError(f"{count} frames need {count * _BYTES_PER_FRAME} bytes before the data, {len(blob)} came")
    return Packed(vehicle, bus, received, count, blob)


def batch_of(packed: Packed) -> Batch:
    """The batch of one entry; raises EntryError where its arrays contradict each other."""
    return Batch(packed.vehicle, packed.bus, packed.received_us, frames_of([packed]))


def frames_of(entries: Sequence[Packed]) -> FrameBatch:
    """The frames of all entries, one after the other; raises EntryError where arrays of one contradict each other."""
    pairs = [(entry.arrays, entry.frames) for entry in entries]

    def joined(begin: int, width: int) -> bytes:
        return b"".join([blob[begin * count : (begin + width) * count] for blob, count in pairs])

    lengths = np.frombuffer(joined(14, 1), np.uint8)
    _refuse_other_sizes(pairs, lengths)
    return FrameBatch(
        ts_us=np.frombuffer(joined(0, 8), "<i8"),
        arbitration_id=np.frombuffer(joined(8, 4), "<u4"),
        flags=np.frombuffer(joined(12, 1), np.uint8),
        dlc=np.frombuffer(joined(13, 1), np.uint8),
        length=lengths,
        payload=b"".join([blob[_BYTES_PER_FRAME * count :] for blob, count in pairs]),
    )


def _refuse_other_sizes(pairs: Sequence[tuple[bytes, int]], lengths: npt.NDArray[np.uint8]) -> None:
    ends = np.cumsum([0, *(count for _, count in pairs)])
    stated = np.diff(np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))[ends])
    came = np.array([len(blob) - _BYTES_PER_FRAME * count for blob, count in pairs], dtype=np.int64)
    if (wrong := np.flatnonzero(stated != came)).size:
        raise EntryError(f"the frames state {stated[wrong[0]]} bytes of data, {came[wrong[0]]} came")


def beyond_bounds(frames: FrameBatch) -> str:
    """What of some frames is out of bounds; nothing where all of them are within."""
    if not len(frames):
        return ""
    wrong = {
        "an instant is not within the years 1 to 9999": frames.ts_us.min() < EARLIEST_US
        or frames.ts_us.max() > LATEST_US,
        "an id has more than 29 bits": frames.arbitration_id.max() > MAX_IDENTIFIER,
        "flags have a bit that is not known": bool((frames.flags & ~np.uint8(KNOWN_FLAGS)).any()),
        f"dlc is above {MAX_BYTES}": frames.dlc.max() > MAX_BYTES,
        f"a frame has more than {MAX_BYTES} bytes of data": frames.length.max() > MAX_BYTES,
    }
    return "; ".join(reason for reason, is_so in wrong.items() if is_so)


def single_entries(batch: Batch, producer: str = "", first: int = 0) -> Iterator[tuple[str, ...]]:
    """The flat field lists (name, value, ...) of one entry a frame; entries are made singly, columns are not.

    With `producer` each carries its number, from `first` on.
    """
    frames = batch.frames
    named = [("producer", producer, "first", str(first + index)) if producer else () for index in range(len(frames))]
    stops = 2 * np.cumsum(frames.length, dtype=np.int64)
    hexed = frames.payload.hex().upper()
    data = [hexed[start:stop] for start, stop in zip((stops - 2 * frames.length).tolist(), stops.tolist(), strict=True)]
    idents = [f"0x{value:X}" for value in frames.arbitration_id.tolist()]
    numbers = [array.astype(str).tolist() for array in (frames.ts_us // 1000, frames.ts_us, frames.dlc, frames.flags)]
    for ident, payload, ts, ts_us, dlc, flags, number in zip(idents, data, *numbers, named, strict=True):
        yield (
            "id", ident, "data", payload, "ts", ts, "ts_us", ts_us, "dlc", dlc,
            "vehicle", batch.vehicle, "bus", batch.bus, "flags", flags, *number,
        )  # fmt: skip


def padded_id(stream_id: bytes) -> str:
    """A stream id whose text order is its time order: `1700000000000-12` becomes `1700000000000-000012`."""
    milliseconds, _, sequence = stream_id.decode().partition("-")
    return f"{milliseconds:0>13}-{sequence:0>6}"


def numbered_id(producer: str, number: int) -> str:
    """The entry_id of a numbered frame."""
    return f"{producer}-{number:0{NUMBER_DIGITS}d}"


def received_us(stream_id: bytes) -> int:
    """When Redis got an entry, in unix microseconds: the first half of its id; of one beyond the calendar its end."""
    return min(int(stream_id.partition(b"-")[0]) * 1000, LATEST_US)


def frame_number(fields: Fields) -> tuple[str, int] | None:
    """Producer and number of an entry's first frame; None for an entry of another writer, or wrong (`numbering`)."""
    try:
        return numbering(fields)
    except EntryError:
        return None


def numbering(fields: Fields) -> tuple[str, int] | None:
    """The same, and EntryError where a numbering is begun and not to be read."""
    if b"producer" not in fields and b"first" not in fields:
        return None
    return name(fields, b"producer"), whole(fields, b"first", 0, MAX_NUMBER - MAX_FRAMES)
