"""CAN objects of a BLF file as columns: data, remote and error frames, classic and CAN FD.

Belongs here: the layout of each kind of object, and its time. Does not belong here: finding objects, files.

Layouts are those that Vector's binlog header and python-can's BLF module document. All numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.adapters.frame_batch import ERROR, EXTENDED, FD, REMOTE, FrameBatch, frame_of_batch
from fleet_assets.adapters.log_files.blf_objects import Objects
from fleet_assets.core.frame_lengths import bytes_of_code

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

_HEAD = np.dtype({"names": ["flags", "ticks"], "formats": ["<u4", "<u8"], "offsets": [16, 24], "itemsize": 32})
_TEN_US = 1
_MESSAGE = np.dtype([("channel", "<u2"), ("flags", "u1"), ("code", "u1"), ("id", "<u4"), ("data", "u1", 8)])
_ERROR_EXT = np.dtype({"names": ["channel", "code", "id", "data"], "formats": ["<u2", "u1", "<u4", ("u1", 8)],
                       "offsets": [0, 10, 16, 24], "itemsize": 32})  # fmt: skip
_FD_MESSAGE = np.dtype({"names": ["channel", "flags", "code", "id", "fd", "valid"],
                        "formats": ["<u2", "u1", "u1", "<u4", "u1", "u1"],
                        "offsets": [0, 2, 3, 4, 13, 14], "itemsize": 20})  # fmt: skip
_FD_64 = np.dtype({"names": ["channel", "code", "valid", "id", "fd", "direction", "extra"],
                   "formats": ["u1", "u1", "u1", "<u4", "<u4", "u1", "u1"],
                   "offsets": [0, 1, 2, 4, 12, 34, 35], "itemsize": 40})  # fmt: skip
_ERROR_OLD = np.dtype({"names": ["channel"], "formats": ["<u2"], "offsets": [0], "itemsize": 4})
_FD_ERROR_64 = np.dtype({"names": ["channel", "id"], "formats": ["u1", "<u4"], "offsets": [0, 12], "itemsize": 16})


@dataclass(frozen=True)
class Frames:
    """Frames in the order of their objects, and places of CAN objects that cannot be read or are requests to send."""

    rows: pl.DataFrame
    wrong: I64
    requests: I64


@dataclass(frozen=True)
class _Part:
    """Frames of one kind of object; `order` is the number of each object."""

    order: I64
    channel: npt.NDArray[np.integer]
    id: npt.NDArray[np.integer]
    flags: U8
    dlc: U8
    length: U8
    block: U8
    """One row of bytes a frame, of which the first `length` count."""
    is_request: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Bodies:
    """Where the bodies of objects of one kind begin, and how many bytes they have; `header` is the bytes before."""

    order: I64
    first: I64
    room: I64
    header: I64


def can_frames(content: U8, objects: Objects, start_ns: int) -> Frames:
    """The frames among the objects; `start_ns` is the start of the recording in Unix nanoseconds."""
    parts: list[_Part] = []
    wrong: list[I64] = []
    for kinds, (layout, read) in _READERS.items():
        chosen = np.flatnonzero(np.isin(objects.types, kinds))
        header = objects.header_sizes[chosen]
        is_whole = (objects.sizes[chosen] - header >= layout.itemsize) & (header >= _HEAD.itemsize)
        wrong.append(objects.places[chosen[~is_whole]])
        if is_whole.any():
            parts.append(read(content, _bodies(objects, chosen[is_whole])))
    return _joined(content, objects, parts, np.concatenate(wrong) if wrong else np.empty(0, np.int64), start_ns)


def _bodies(objects: Objects, chosen: I64) -> _Bodies:
    header = objects.header_sizes[chosen]
    return _Bodies(chosen, objects.places[chosen] + header, objects.sizes[chosen] - header, header)


def _joined(content: U8, objects: Objects, parts: list[_Part], wrong: I64, start_ns: int) -> Frames:
    none = np.empty(0, np.int64)
    if not parts:
        return Frames(frame_of_batch(_EMPTY).with_columns(bus=pl.lit("", dtype=pl.String)), wrong, none)
    order = np.concatenate([part.order for part in parts])
    by_order = np.argsort(order, kind="stable")
    requests = np.concatenate([part.is_request for part in parts])
    times = _microseconds(content, objects.places[order], start_ns)
    length = np.concatenate([part.length for part in parts])
    rows = frame_of_batch(
        FrameBatch(
            ts_us=times, arbitration_id=np.concatenate([part.id for part in parts]).astype(np.uint32) &
            np.uint32(0x1FFF_FFFF), flags=np.concatenate([part.flags for part in parts]), dlc=np.concatenate([part.dlc
            for part in parts]), length=length, payload=b"".join(_carried(part) for part in parts),
        )
    )  # fmt: skip
    channels = pl.Series(np.concatenate([part.channel.astype(np.int64) for part in parts]))
    named = rows.with_columns(bus="CAN" + channels.cast(pl.String))
    kept = by_order[~requests[by_order]]
    return Frames(named[kept], wrong, objects.places[order[requests]])


_NONE = np.empty(0, np.uint8)
_EMPTY = FrameBatch(np.empty(0, np.int64), np.empty(0, np.uint32), _NONE, _NONE, _NONE, b"")


def _microseconds(content: U8, places: I64, start_ns: int) -> I64:
    """Ticks of 10 µs or 1 ns behind the start, rounded; ticks of more than a century are the start's own fault."""
    head = _fields(content, places, _HEAD)
    ticks = np.minimum(head["ticks"], np.uint64(1 << 62)).astype(np.int64)
    ns = np.where(head["flags"] == _TEN_US, np.minimum(ticks, (1 << 62) // 10_000) * 10_000, ticks)
    times: I64 = (start_ns // 1000) + (ns + start_ns % 1000 + 500) // 1000
    return times


def _fields(content: U8, places: I64, layout: np.dtype[np.void]) -> npt.NDArray[np.void]:
    gathered = content[places[:, None] + np.arange(layout.itemsize)]
    return np.ascontiguousarray(gathered).view(layout)[:, 0]


def _flags(id_word: npt.NDArray[np.integer], extra: U8) -> U8:
    is_extended = (id_word.astype(np.int64) & 0x8000_0000) != 0
    return np.where(is_extended, EXTENDED, np.uint8(0)).astype(np.uint8) | extra


def _carried(part: _Part) -> bytes:
    is_carried = np.arange(part.block.shape[1]) < part.length[:, None]
    return part.block[is_carried].tobytes()


def _message(content: U8, at: _Bodies) -> _Part:
    fields = _fields(content, at.first, _MESSAGE)
    dlc = bytes_of_code(fields["code"], is_fd=False)
    is_remote = (fields["flags"] & 0x80) != 0
    flags = _flags(fields["id"], np.where(is_remote, REMOTE, np.uint8(0)))
    length = np.where(is_remote, np.uint8(0), dlc)
    no_request = np.zeros(len(at.order), dtype=np.bool_)
    return _Part(at.order, fields["channel"], fields["id"], flags, dlc, length, fields["data"], no_request)


def _error_ext(content: U8, at: _Bodies) -> _Part:
    fields = _fields(content, at.first, _ERROR_EXT)
    dlc = bytes_of_code(fields["code"], is_fd=False)
    flags = _flags(fields["id"], np.full(len(at.order), ERROR))
    return _Part(
        at.order, fields["channel"], fields["id"], flags, dlc, dlc, fields["data"], np.zeros(len(at.order), np.bool_)
    )


def _bare_error(layout: np.dtype[np.void]) -> Callable[[U8, _Bodies], _Part]:
    """Error objects of which only channel and identifier are taken."""

    def read(content: U8, at: _Bodies) -> _Part:
        fields, count = _fields(content, at.first, layout), len(at.order)
        ids = fields["id"] if "id" in (layout.names or ()) else np.zeros(count, np.uint32)
        none = np.zeros(count, np.uint8)
        flags = _flags(ids, np.full(count, ERROR))
        return _Part(at.order, fields["channel"], ids, flags, none, none, np.zeros((count, 1), np.uint8), none != 0)

    return read


def _fd(content: U8, at: _Bodies) -> _Part:
    fields = _fields(content, at.first, _FD_MESSAGE)
    is_fd, is_remote = (fields["fd"] & 1) != 0, (fields["flags"] & 0x80) != 0
    is_request = np.zeros(len(at.order), np.bool_)
    room = at.room - _FD_MESSAGE.itemsize
    return _variable(content, at, fields, (is_fd, is_remote, is_request), room)


def _fd_64(content: U8, at: _Bodies) -> _Part:
    fields = _fields(content, at.first, _FD_64)
    is_fd, is_remote = (fields["fd"] & 0x1000) != 0, (fields["fd"] & 0x10) != 0
    # Behind the data there may be more; its place is counted from the beginning of the object.
    extra = fields["extra"].astype(np.int64)
    room = np.where(extra > 0, np.minimum(at.room, extra - at.header), at.room) - _FD_64.itemsize
    return _variable(content, at, fields, (is_fd, is_remote, fields["direction"] == 2), room)


def _variable(
    content: U8, at: _Bodies, fields: npt.NDArray[np.void], kinds: tuple[npt.NDArray[np.bool_], ...], room: I64
) -> _Part:
    """Frames that say how many bytes they carry; bytes that are not there are not made up."""
    is_fd, is_remote, is_request = kinds
    dlc = bytes_of_code(fields["code"], is_fd)
    valid = np.minimum(np.minimum(fields["valid"].astype(np.int64), dlc), np.maximum(room, 0))
    length = np.where(is_remote, 0, valid).astype(np.uint8)
    places = np.minimum(at.first[:, None] + fields.dtype.itemsize + np.arange(64), content.size - 1)
    kinds_of = is_remote.astype(np.uint8) * REMOTE | is_fd.astype(np.uint8) * FD
    flags = _flags(fields["id"], kinds_of)
    return _Part(at.order, fields["channel"], fields["id"], flags, dlc, length, content[places], is_request)


_READERS: dict[tuple[int, ...], tuple[np.dtype[np.void], Callable[[U8, _Bodies], _Part]]] = {
    (1, 86): (_MESSAGE, _message),
    (100,): (_FD_MESSAGE, _fd),
    (101,): (_FD_64, _fd_64),
    (2,): (_ERROR_OLD, _bare_error(_ERROR_OLD)),
    (73,): (_ERROR_EXT, _error_ext),
    (104,): (_FD_ERROR_64, _bare_error(_FD_ERROR_64)),
}
