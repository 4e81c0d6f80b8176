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
from fleet_assets.adapters.log_files.mf4_records import Records
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

_FAR_S = 1e9
"""s from the start of a recording, 30 years; only instants beyond (and those that are no numbers) need care."""

_Numbers = npt.NDArray[np.unsignedinteger]
_U64 = npt.NDArray[np.uint64]


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
            records = Records(mdf, index, kind)
            for offset in range(0, count, chunk_rows):
                structures, seconds = records.read(offset, min(chunk_rows, count - offset))
                samples, ts_us = _Samples(path, kind, structures), _instants(seconds, start_ns)
                batch, channels, words = samples.frames(ts_us, offset, skipped)
                yield FramesOfBuses(batch, *buses.of(index, channels), words)
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


def _instants(seconds: npt.NDArray[np.float64], start_ns: int) -> npt.NDArray[np.int64]:
    """Microseconds, rounded: an instant that ends in .000000 does not become .999999 of the second before."""
    if len(seconds) and seconds.min() > -_FAR_S and seconds.max() < _FAR_S:
        ns = np.rint(seconds * 1e9).astype(np.int64)
    else:
        exact = np.rint(np.nan_to_num(seconds, nan=-1e18, posinf=1e18, neginf=-1e18) * 1e9)
        ns = np.clip(exact, -9e18, 9e18 - max(start_ns, 0)).astype(np.int64)
    ns += start_ns + 500
    ns //= 1_000
    return ns


class _Samples:
    """Records of one kind, by the members that the logger has written."""

    def __init__(self, path: Path, kind: str, samples: Any) -> None:
        self._path, self._kind, self._samples = path, kind, samples
        self._names = set(samples.dtype.names or ())

    def frames(
        self, ts_us: npt.NDArray[np.int64], first: int, skipped: Skipped
    ) -> tuple[FrameBatch, npt.NDArray[np.unsignedinteger], _U64 | None]:
        """The frames, the channel of each, and their words where they have such; those with more bytes than they state
        are told."""
        is_fd, dlc, length = self._lengths()
        is_wrong = length > dlc
        if is_wrong.any():
            places = (np.flatnonzero(is_wrong) + first).tolist()
            said = [f"more bytes than a frame of {stated} can have" for stated in dlc[is_wrong].tolist()]
            skipped(Unread.of(DAMAGED, [f"record {place} of {self._kind}" for place in places], said))
            good = _Samples(self._path, self._kind, self._samples[~is_wrong])
            return good.frames(ts_us[~is_wrong], first, skipped)
        if np.array_equal(length, dlc):
            # One array travels once.
            length = dlc
        words = self._words() if self._kind == _DATA else None
        payload = b"" if words is not None else _payload(self._samples, self._name("DataBytes"), length)
        flags = _KINDS[self._kind] | (self._is_extended() * EXTENDED) | (is_fd * FD)
        batch = FrameBatch(
            ts_us=ts_us, arbitration_id=self._member("ID") & np.uint32(0x1FFF_FFFF), flags=flags, dlc=dlc,
            length=length, payload=payload,
        )  # fmt: skip
        return batch, self._member("BusChannel"), words

    def _lengths(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Whether each is of CAN FD, its length as stated, and bytes really carried."""
        has_length, has_code = self._name("DataLength") in self._names, self._name("DLC") in self._names
        if not has_length and not has_code and self._kind == _DATA:
            raise FileRejected(self._path, "its frames state no length: they have neither DataLength nor DLC")
        carried = self._member("DataLength" if has_length else "DLC")
        code = self._member("DLC" if has_code else "DataLength")
        is_short = max(code.max(initial=0), carried.max(initial=0)) <= LONGEST_CLASSIC
        is_fd = (
            self._member("EDL") != 0
            if self._name("EDL") in self._names
            else np.zeros(len(code), dtype=np.bool_)
            if is_short
            else is_fd_by_length(code, carried) & has_length
        )
        # Up to eight bytes a code is the length, of whatever frame.
        dlc, there = (
            (code.astype(np.uint8), carried)
            if is_short
            else self._long_lengths(code, carried, is_fd, has_length=has_length)
        )
        if self._kind != _DATA:
            return is_fd, dlc, np.zeros(len(code), dtype=np.uint8)
        return is_fd, dlc, np.minimum(there, min(self._width(), 255)).astype(np.uint8)

    def _long_lengths(
        self, code: _Numbers, carried: _Numbers, is_fd: npt.NDArray[np.bool_], *, has_length: bool
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.integer[Any]]]:
        """Lengths as stated and as carried where some are above eight."""
        stated, bytes_there = code.astype(np.int64), carried.astype(np.int64)
        dlc = bytes_stated(stated, bytes_there, is_fd) if has_length else bytes_of_code(stated, is_fd)
        there = np.minimum(bytes_there, LONGEST_FD) if has_length else dlc
        # A raw length code above 8 is no number of bytes.
        return dlc, np.where(~is_fd & (carried == code) & (there > LONGEST_CLASSIC), LONGEST_CLASSIC, there)

    def _width(self) -> int:
        """Bytes of the block that records have."""
        if self._name("DataBytes") not in self._names:
            raise FileRejected(self._path, "its frames have no member DataBytes")
        shape = self._samples.dtype[self._name("DataBytes")].shape
        return int(np.prod(shape)) if shape else 1

    def _name(self, member: str) -> str:
        return f"{self._kind}.{member}"

    def _member(self, member: str) -> _Numbers:
        """A member of the frame structure, zeros where the logger did not record it; bytes as they are, else 32
        bits."""
        if self._name(member) not in self._names:
            return np.zeros(len(self._samples), dtype=np.uint32)
        values = np.asarray(self._samples[self._name(member)])
        return np.ascontiguousarray(values) if values.dtype == np.uint8 else values.astype(np.uint32)

    def _words(self) -> _U64 | None:
        """The block of each record where it has exactly 8 bytes."""
        block = np.asarray(self._samples[self._name("DataBytes")])
        if block.dtype != np.uint8 or block.shape[1:] != (8,):
            return None
        return np.ascontiguousarray(block.view("<u8"))[:, 0]

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
