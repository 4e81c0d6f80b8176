"""CAN frames as columns: one NumPy array a field, whatever they came from.

Belongs here: the shape, and conversion from python-can messages and to and from data frames.
Does not belong here: the wire format (can_stream), where frames come from or go to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from fleet_assets.contracts import RAW_CAN, TIMESTAMP

if TYPE_CHECKING:
    import can

EXTENDED = np.uint8(1)
FD = np.uint8(2)
ERROR = np.uint8(4)
REMOTE = np.uint8(8)
"""Bits of `flags`. A remote frame asks for data and carries none."""

FRAME_LOG_COLUMNS = tuple(name for name in RAW_CAN.schema if name not in ("received_at", "entry_id"))
"""Columns of a frame log: raw CAN without what our own collection adds."""


@dataclass(frozen=True)
class FrameBatch:
    """Frames in the order of reading; all arrays have one element a frame, `payload` is their data joined."""

    ts_us: npt.NDArray[np.int64]
    """Microseconds since 1970, UTC."""
    arbitration_id: npt.NDArray[np.uint32]
    flags: npt.NDArray[np.uint8]
    dlc: npt.NDArray[np.uint8]
    """Bytes as stated by the frame."""
    length: npt.NDArray[np.uint8]
    """Bytes really carried."""
    payload: bytes

    def __len__(self) -> int:
        return len(self.ts_us)

    def rest(self, skipped: int) -> FrameBatch:
        """The frames without the first `skipped`."""
        start = int(self.length[:skipped].sum())
        return FrameBatch(
            self.ts_us[skipped:], self.arbitration_id[skipped:], self.flags[skipped:], self.dlc[skipped:],
            self.length[skipped:], self.payload[start:],
        )  # fmt: skip

    def only(self, is_kept: npt.NDArray[np.bool_]) -> FrameBatch:
        """The frames of which that is so."""
        data = np.frombuffer(self.payload, dtype=np.uint8)[np.repeat(is_kept, self.length)]
        return FrameBatch(
            self.ts_us[is_kept], self.arbitration_id[is_kept], self.flags[is_kept], self.dlc[is_kept],
            self.length[is_kept], data.tobytes(),
        )  # fmt: skip

    def parts(self, size: int) -> Iterator[FrameBatch]:
        """The frames in runs of at most `size`."""
        ends = np.concatenate(([0], np.cumsum(self.length, dtype=np.int64)))
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            yield FrameBatch(
                self.ts_us[start:stop], self.arbitration_id[start:stop], self.flags[start:stop], self.dlc[start:stop],
                self.length[start:stop], self.payload[ends[start] : ends[stop]],
            )  # fmt: skip


@dataclass(frozen=True)
class FramesOfBuses:
    """Frames of several buses: small on the way from process to process, a table where they arrive."""

    batch: FrameBatch
    names: tuple[str, ...]
    installation: npt.NDArray[np.unsignedinteger]
    """Of each frame, where its bus stands in `names`; nothing where there is one name."""
    words: npt.NDArray[np.uint64] | None = None
    """Instead of the batch's payload where all have at most 8 bytes: those of each frame, and anything behind them."""

    def table(self) -> pl.DataFrame:
        """The rows of `frame_of_batch`, and `bus`."""
        batch, names = self.batch, pl.Series(self.names, dtype=pl.String)
        data = None if self.words is None else column_of_words(self.words, batch.length)
        bus = pl.lit(names[0]) if len(names) == 1 else names.gather(pl.Series(self.installation, dtype=pl.UInt32))
        return frame_of_batch(batch, data).with_columns(bus=bus)


def batch_of_messages(messages: Sequence[can.Message]) -> FrameBatch:
    """Columns of python-can messages. The one place that touches frames singly: python-can hands them over so."""
    extended, fd = _bits(messages, "is_extended_id", EXTENDED), _bits(messages, "is_fd", FD)
    error, remote = _bits(messages, "is_error_frame", ERROR), _bits(messages, "is_remote_frame", REMOTE)
    seconds = np.array([message.timestamp for message in messages], dtype=np.float64)
    payloads = [b"" if message.is_remote_frame else bytes(message.data) for message in messages]
    return FrameBatch(
        ts_us=np.rint(seconds * 1e6).astype(np.int64),
        arbitration_id=np.array([message.arbitration_id for message in messages], dtype=np.uint32),
        flags=extended | fd | error | remote,
        dlc=np.array([message.dlc for message in messages], dtype=np.uint8),
        length=np.array([len(payload) for payload in payloads], dtype=np.uint8),
        payload=b"".join(payloads),
    )


def _bits(messages: Sequence[can.Message], attribute: str, bit: np.uint8) -> npt.NDArray[np.uint8]:
    flags: npt.NDArray[np.uint8] = np.array([getattr(message, attribute) for message in messages], dtype=np.uint8) * bit
    return flags


def frame_of_batch(batch: FrameBatch, data: pl.Series | None = None) -> pl.DataFrame:
    """The frames as rows: the columns of a frame log without vehicle_id and bus, and `is_remote`. `data`: the payloads
    where they are a column already."""
    return pl.DataFrame(
        {
            "recorded_at": pl.Series(batch.ts_us).cast(TIMESTAMP),
            "arbitration_id": pl.Series(batch.arbitration_id, dtype=pl.UInt32),
            "is_extended": (batch.flags & EXTENDED) != 0,
            "is_fd": (batch.flags & FD) != 0,
            "is_error": (batch.flags & ERROR) != 0,
            "dlc": pl.Series(batch.dlc, dtype=pl.UInt8),
            "data": binary_column(batch.payload, batch.length) if data is None else data,
            "is_remote": (batch.flags & REMOTE) != 0,
        }
    )


def batch_of_frame(frame: pl.DataFrame) -> FrameBatch:
    """The rows of a frame log as a batch; null flags count as false."""
    data = frame.get_column("data")
    bits = [_column_bits(frame, name, bit) for name, bit in _FLAG_COLUMNS.items() if name in frame.columns]
    return FrameBatch(
        ts_us=frame.get_column("recorded_at").to_physical().to_numpy(),
        arbitration_id=frame.get_column("arbitration_id").to_numpy(),
        flags=np.bitwise_or.reduce(bits),
        dlc=frame.get_column("dlc").to_numpy(),
        length=data.bin.size().cast(pl.UInt8).to_numpy(),
        payload=joined_payload(data),
    )


_FLAG_COLUMNS = {"is_extended": EXTENDED, "is_fd": FD, "is_error": ERROR, "is_remote": REMOTE}


def _column_bits(frame: pl.DataFrame, name: str, bit: np.uint8) -> npt.NDArray[np.uint8]:
    bits: npt.NDArray[np.uint8] = frame.get_column(name).fill_null(value=False).cast(pl.UInt8).to_numpy() * bit
    return bits


def binary_column(payload: bytes, length: npt.NDArray[np.integer]) -> pl.Series:
    """A column of byte strings from their joined bytes and their lengths."""
    offsets = np.concatenate(([0], np.cumsum(length, dtype=np.int64)))
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(length), [None, pa.py_buffer(offsets), pa.py_buffer(payload)]
    )
    column = pl.from_arrow(array)
    assert isinstance(column, pl.Series)
    return column


_WITHIN = np.array([(1 << 8 * length) - 1 for length in range(9)], dtype=np.uint64)


_HUGE_WORDS = (4 << 20) // 8
"""NumPy asks the system for huge pages from 4 MiB on; small ones cost more than what is written there."""
_BLOCK = 8_192
"""Words that stay in a first-level cache while they are made views."""


def column_of_words(words: npt.NDArray[np.uint64], length: npt.NDArray[np.uint8]) -> pl.Series:
    """A column of byte strings of at most 8 bytes: the first `length` of each word.

    Arrow's view of a short value is its length in 4 bytes and the value itself in 12: nothing is put together.
    """
    views = np.empty(max(2 * len(words), _HUGE_WORDS), dtype=np.uint64)[: 2 * len(words)].reshape(-1, 2)
    for begin in range(0, len(words), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        values = words[part] & _WITHIN.take(length[part])
        np.right_shift(values, np.uint64(32), out=views[part, 1])
        np.left_shift(values, np.uint64(32), out=values)
        np.bitwise_or(values, length[part], out=views[part, 0])
    column = pl.from_arrow(pa.Array.from_buffers(pa.binary_view(), len(words), [None, pa.py_buffer(views)]))
    assert isinstance(column, pl.Series)
    return column


def joined_payload(data: pl.Series) -> bytes:
    """All bytes of a column of byte strings, one after the other."""
    array = data.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    if len(array) == 0 or array.buffers()[2] is None:
        return b""
    return bytes(memoryview(array.buffers()[2])[offsets[0] : offsets[-1]])
