"""MF4 (ASAM MDF 4) bus logs: raw CAN frames by asammdf, channel-aware, in chunks.

Belongs here: frames and error frames of every CAN group. Does not belong here: names of buses (mf4_buses), decoded
signals in MF4.

Error frames are kept and flagged. `dlc` is the length in bytes, also where CAN FD codes it (the code 9 means 12
bytes). A group that records no length (DataLength) has it by the code (DLC), and the other way round; bytes that were
not recorded are not made up.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from asammdf import MDF
from asammdf.blocks.mdf_v4 import MDF4

from fleet_assets.adapters.frame_batch import ERROR, EXTENDED, FD, REMOTE, FrameBatch, FramesOfBuses
from fleet_assets.adapters.log_files.mf4_buses import BusNames, Group
from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions
from fleet_assets.adapters.log_files.unread import DAMAGED, Skipped, Unread
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.frame_lengths import LONGEST_CLASSIC, LONGEST_FD, bytes_of_code, bytes_stated, is_fd_by_length


def _close_what_is_there(mdf: MDF4) -> None:
    """asammdf's destructor needs members that its constructor, met by a broken file, has not made: it complains."""
    with suppress(AttributeError):
        mdf.close()


MDF4.__del__ = _close_what_is_there  # type: ignore[method-assign]

_KINDS = {"CAN_DataFrame": np.uint8(0), "CAN_RemoteFrame": REMOTE, "CAN_ErrorFrame": ERROR}
_DATA = "CAN_DataFrame"

_OPENING: dict[str, Any] = {"process_bus_logging": False}
"""asammdf would look through all frames once more, for the messages it decodes itself."""
_MOST_PACKED = 1_100
"""Times that deflate packs at most (1 032, RFC 1951), and a little: a group cannot hold more records than so many
bytes."""

_U32 = npt.NDArray[np.uint32]


def read_mf4(path: Path, options: LogOptions, chunk_rows: int, skipped: Skipped) -> Iterator[FramesOfBuses]:
    """The frames, group after group, each group in the order of recording."""
    with MDF(path, **_OPENING) as mdf:
        start_ns = _start_ns(path, mdf, options)
        kinds = {index: kind for index, group in enumerate(mdf.groups) if (kind := _kind(group))}
        if not kinds:
            raise FileRejected(path, "it holds no raw CAN frames (no CAN_DataFrame group), only decoded signals")
        buses = BusNames([_group(index, kind, mdf.groups[index]) for index, kind in kinds.items()], options.bus)
        for index, kind in kinds.items():
            count = _count(path, mdf.groups[index].channel_group)
            for offset in range(0, count, chunk_rows):
                signal = mdf.get(kind, group=index, record_offset=offset, record_count=min(chunk_rows, count - offset))
                samples = _Samples(path, kind, signal.samples)
                yield buses.of(index, *samples.frames(_instants(signal, start_ns), offset, skipped))
                _forget_pages(mdf)


def _forget_pages(mdf: MDF) -> None:
    """Give back the pages of the file that were read: asammdf maps all of it, and they would count as memory in use."""
    content = getattr(getattr(mdf, "_mdf", None), "_file", None)
    if isinstance(content, mmap.mmap) and hasattr(content, "madvise"):
        content.madvise(mmap.MADV_DONTNEED)


def _kind(group: Any) -> str:
    names = [channel.name for channel in group.channels]
    return next((kind for kind in _KINDS if kind in names), "")


def _group(index: int, kind: str, group: Any) -> Group:
    source, names = group.channel_group.acq_source, [channel.name for channel in group.channels]
    said = [source.name, source.path] if source is not None else []
    said += [
        part for channel in group.channels if channel.source for part in (channel.source.name, channel.source.path)
    ]
    has_channel = any(name.endswith(f"{kind}.BusChannel") or name == "BusChannel" for name in names)
    return Group(index, next((text for text in said if text), ""), kind == _DATA, has_channel)


def _count(path: Path, group: Any) -> int:
    """Records of a group; raises FileRejected for more than a file of this size can hold."""
    if group.cycles_nr * max(1, group.samples_byte_nr) > path.stat().st_size * _MOST_PACKED:
        raise FileRejected(
            path, f"a group states {group.cycles_nr:,} records, more than the file can hold: it is damaged"
        )
    return int(group.cycles_nr)


def _start_ns(path: Path, mdf: Any, options: LogOptions) -> int:
    """Start of the recording, nanoseconds since 1970; local time (flag 1 of the header) needs a zone."""
    header = mdf.header
    if not header.time_flags & 1:
        return int(header.abs_time)
    if options.zone is None:
        raise AnswerMissing(path, f"states the local time {header.start_time} without a zone; give --timezone")
    local = header.start_time.replace(tzinfo=options.zone).astimezone(UTC)
    return int(local.timestamp() * 1_000_000) * 1_000


def _instants(signal: Any, start_ns: int) -> npt.NDArray[np.int64]:
    """Microseconds, rounded: an instant that ends in .000000 does not become .999999 of the second before."""
    ns = np.rint(np.nan_to_num(signal.timestamps, nan=-1e18, posinf=1e18, neginf=-1e18) * 1e9)
    rounded: npt.NDArray[np.int64] = (
        start_ns + np.clip(ns, -9e18, 9e18 - max(start_ns, 0)).astype(np.int64) + 500
    ) // 1_000
    return rounded


class _Samples:
    """Records of one kind, by the members that the logger has written."""

    def __init__(self, path: Path, kind: str, samples: Any) -> None:
        self._path, self._kind, self._samples = path, kind, samples
        self._names = set(samples.dtype.names or ())

    def frames(self, ts_us: npt.NDArray[np.int64], first: int, skipped: Skipped) -> tuple[FrameBatch, _U32]:
        """The frames and the channel of each; those with more bytes than they state are told."""
        is_fd, dlc, length = self._lengths()
        flags = _KINDS[self._kind] | (self._is_extended() * EXTENDED) | (is_fd * FD)
        batch = FrameBatch(
            ts_us=ts_us, arbitration_id=self._member("ID") & np.uint32(0x1FFF_FFFF), flags=flags.astype(np.uint8),
            dlc=dlc, length=length, payload=_payload(self._samples, self._name("DataBytes"), length),
        )  # fmt: skip
        channels, is_wrong = self._member("BusChannel"), length > dlc
        if not is_wrong.any():
            return batch, channels
        places = (np.flatnonzero(is_wrong) + first).tolist()
        said = [f"more bytes than a frame of {stated} can have" for stated in dlc[is_wrong].tolist()]
        skipped(Unread.of(DAMAGED, [f"record {place} of {self._kind}" for place in places], said))
        return batch.only(~is_wrong), channels[~is_wrong]

    def _lengths(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Whether each is of CAN FD, its length as stated, and bytes really carried."""
        count = len(self._samples)
        has_length, has_code = self._name("DataLength") in self._names, self._name("DLC") in self._names
        if not has_length and not has_code and self._kind == _DATA:
            raise FileRejected(self._path, "its frames state no length: they have neither DataLength nor DLC")
        carried = self._member("DataLength" if has_length else "DLC")
        code = self._member("DLC" if has_code else "DataLength")
        is_fd = (
            self._member("EDL") != 0
            if self._name("EDL") in self._names
            else is_fd_by_length(code, carried) & has_length
        )
        stated, bytes_there = code.astype(np.int64), carried.astype(np.int64)
        dlc = bytes_stated(stated, bytes_there, is_fd) if has_length else bytes_of_code(stated, is_fd)
        if self._kind != _DATA:
            return is_fd, dlc, np.zeros(count, dtype=np.uint8)
        there = np.minimum(carried, LONGEST_FD) if has_length else dlc
        # A raw length code above 8 is no number of bytes.
        there = np.where(~is_fd & (carried == code) & (there > LONGEST_CLASSIC), LONGEST_CLASSIC, there)
        return is_fd, dlc, np.minimum(there, self._width()).astype(np.uint8)

    def _width(self) -> int:
        """Bytes of the block that records have."""
        if self._name("DataBytes") not in self._names:
            raise FileRejected(self._path, "its frames have no member DataBytes")
        shape = self._samples.dtype[self._name("DataBytes")].shape
        return int(np.prod(shape)) if shape else 1

    def _name(self, member: str) -> str:
        return f"{self._kind}.{member}"

    def _member(self, member: str) -> _U32:
        """A member of the frame structure, zeros where the logger did not record it."""
        if self._name(member) not in self._names:
            return np.zeros(len(self._samples), dtype=np.uint32)
        return np.asarray(self._samples[self._name(member)]).astype(np.uint32)

    def _is_extended(self) -> npt.NDArray[np.bool_]:
        """The IDE member, else bit 31 of the identifier, else an identifier that needs 29 bits."""
        if self._name("IDE") in self._names:
            return np.not_equal(self._member("IDE"), 0)
        return np.greater(self._member("ID"), 0x7FF)


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
