"""MF4 (ASAM MDF 4) bus logs: raw CAN frames by asammdf, channel-aware, in chunks.

Belongs here: frames and error frames of every CAN group. Does not belong here: decoded signals in MF4.

Buses are named by the channel number of each frame: `CAN1`, `CAN9`. Error frames are kept and flagged. `dlc` is the
length in bytes, also where CAN FD codes it (the code 9 means 12 bytes).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from asammdf import MDF
from asammdf.blocks.mdf_v4 import MDF4

from fleet_assets.adapters.frame_batch import ERROR, EXTENDED, FD, REMOTE, FrameBatch, frame_of_batch
from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions, absolute_times
from fleet_assets.contracts.errors import FileRejected


def _close_what_is_there(mdf: MDF4) -> None:
    """asammdf's destructor needs members that its constructor, met by a broken file, has not made: it complains."""
    with suppress(AttributeError):
        mdf.close()


MDF4.__del__ = _close_what_is_there  # type: ignore[method-assign]

_KINDS = {"CAN_DataFrame": np.uint8(0), "CAN_RemoteFrame": REMOTE, "CAN_ErrorFrame": ERROR}

_OPENING: dict[str, Any] = {"process_bus_logging": False}
"""asammdf would look through all frames once more, for the messages it decodes itself."""
_USUAL_CHANNELS = 256
_USUAL_NUMBERS = np.arange(_USUAL_CHANNELS, dtype=np.uint32)


def read_mf4(path: Path, options: LogOptions, chunk_rows: int) -> Iterator[pl.DataFrame]:
    """The frames, group after group, each group in the order of recording."""
    with MDF(path, **_OPENING) as mdf:
        start_ns = _start_ns(path, mdf, options)
        groups = [(index, _kind(group)) for index, group in enumerate(mdf.groups)]
        if not any(kind for _, kind in groups):
            raise FileRejected(path, "it holds no raw CAN frames (no CAN_DataFrame group), only decoded signals")
        for index, kind in groups:
            count = mdf.groups[index].channel_group.cycles_nr if kind else 0
            for offset in range(0, count, chunk_rows):
                signal = mdf.get(kind, group=index, record_offset=offset, record_count=min(chunk_rows, count - offset))
                yield absolute_times(path, _frames(kind, signal, start_ns), options)


def _kind(group: Any) -> str:
    names = [channel.name for channel in group.channels]
    return next((kind for kind in _KINDS if kind in names), "")


def _start_ns(path: Path, mdf: Any, options: LogOptions) -> int:
    """Start of the recording, nanoseconds since 1970; local time (flag 1 of the header) needs a zone."""
    header = mdf.header
    if not header.time_flags & 1:
        return int(header.abs_time)
    if options.zone is None:
        raise AnswerMissing(path, f"states the local time {header.start_time} without a zone; give --timezone")
    local = header.start_time.replace(tzinfo=options.zone).astimezone(UTC)
    return int(local.timestamp() * 1_000_000) * 1_000


def _frames(kind: str, signal: Any, start_ns: int) -> pl.DataFrame:
    samples, prefix = signal.samples, f"{kind}."
    count = len(samples)
    length = np.minimum(_field(samples, prefix + "DataLength"), 64).astype(np.uint8)
    dlc = _field(samples, prefix + "DLC")
    is_fd = _field(samples, prefix + "EDL") != 0
    flags = _KINDS[kind] | (_is_extended(samples, prefix) * EXTENDED) | (is_fd * FD)
    if kind != "CAN_DataFrame":
        length = np.zeros(count, dtype=np.uint8)
    batch = FrameBatch(
        ts_us=(start_ns + np.rint(signal.timestamps * 1e9).astype(np.int64)) // 1_000,
        arbitration_id=_field(samples, prefix + "ID") & np.uint32(0x1FFF_FFFF),
        flags=flags.astype(np.uint8),
        dlc=np.where(is_fd | (dlc > 8), length, dlc).astype(np.uint8),
        length=length,
        payload=_payload(samples, prefix + "DataBytes", length),
    )
    return frame_of_batch(batch).with_columns(bus=_buses(_field(samples, prefix + "BusChannel")))


def _field(samples: Any, name: str) -> npt.NDArray[np.uint32]:
    """A member of the frame structure, zeros where the logger did not record it."""
    if name not in (samples.dtype.names or ()):
        return np.zeros(len(samples), dtype=np.uint32)
    return np.asarray(samples[name]).astype(np.uint32)


def _is_extended(samples: Any, prefix: str) -> npt.NDArray[np.bool_]:
    """The IDE member, else bit 31 of the identifier, else an identifier that needs 29 bits."""
    if prefix + "IDE" in (samples.dtype.names or ()):
        return np.not_equal(_field(samples, prefix + "IDE"), 0)
    return np.greater(_field(samples, prefix + "ID"), 0x7FF)


def _buses(channel: npt.NDArray[np.uint32]) -> pl.Series:
    """Names of the buses; a text is made once per channel, not per frame."""
    is_usual = channel.max(initial=0) < _USUAL_CHANNELS
    numbers, places = (_USUAL_NUMBERS, channel) if is_usual else np.unique(channel, return_inverse=True)
    return ("CAN" + pl.Series(numbers).cast(pl.String)).gather(pl.Series(places))


def _payload(samples: Any, name: str, length: npt.NDArray[np.uint8]) -> bytes:
    """The bytes that were carried, joined: the first `length` of each row of the recorded block."""
    if not length.any():
        return b""
    block = np.asarray(samples[name])
    block = np.ascontiguousarray(block.reshape(len(block), -1), dtype=np.uint8)
    width = block.shape[1]
    if length.min() >= width:
        return block.tobytes()
    is_carried = np.tri(256, width, -1, dtype=np.bool_)
    return block[is_carried[length]].tobytes()
