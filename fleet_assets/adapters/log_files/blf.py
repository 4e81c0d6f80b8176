"""Vector's binary logs (.blf), also those that were not closed, were cut, or are damaged.

Belongs here: the file's header, containers, and what is said about parts that cannot be read. Does not belong here:
objects (blf_objects), frames (blf_frames).

Objects lie in the file itself or, packed, in containers; an object may begin in one container and end in the next.
What lies behind a container that cannot be unpacked is read from the next object on. A file that was not closed has no
object count.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from fleet_assets.adapters.log_files.blf_frames import can_frames
from fleet_assets.adapters.log_files.blf_objects import Objects, find_objects
from fleet_assets.adapters.log_files.options import LogOptions
from fleet_assets.adapters.log_files.unread import DAMAGED, REQUEST, Skipped, Unread
from fleet_assets.adapters.unix_time import unix_us
from fleet_assets.contracts.errors import FileRejected

_HEADER = struct.Struct("<4sLBBBBBBBBQQLL8H8H")
_COUNT_PLACE = 32
_CONTAINER, _CONTAINER_HEAD = 10, struct.Struct("<H6xL4x")
_ZLIB = 2
_BLOCK_BYTES = 4 << 20
_PIECE_BYTES = 8 << 20
_LARGEST_INNER = 1 << 20
"""Bytes of an object within a container; the longest that were seen are texts and attachments of some kilobytes."""
_LARGEST_UNPACKED = 64 << 20


@dataclass
class _Reading:
    """One file while it is read."""

    path: Path
    start_ns: int
    skipped: Skipped
    place: int = 0
    """Place in the file of the first byte that is held."""
    inner: bytearray = field(default_factory=bytearray)
    """Unpacked bytes whose objects are not read yet."""
    objects: int = 0

    def damaged(self, what: str, place: int) -> None:
        self.skipped(Unread.of(DAMAGED, [f"byte {place}"], [what]))


def read_blf(path: Path, stream: BinaryIO, options: LogOptions, skipped: Skipped) -> Iterator[pl.DataFrame]:
    """The frames in the order of the file."""
    stated, reading = _header(path, stream, options, skipped)
    held = b""
    while True:
        block = stream.read(_BLOCK_BYTES)
        held += block
        outer = np.frombuffer(held, dtype=np.uint8)
        objects = find_objects(outer, is_end=not block)
        yield from _outer(reading, held, objects, is_end=not block)
        reading.place += objects.done
        held = held[objects.done :]
        if not block:
            break
    missing = stated - reading.objects
    if missing > 0:
        what = f"the header counts {stated:,} objects, {reading.objects:,} are there: {missing:,} are missing"
        reading.damaged(what, _COUNT_PLACE)


def _header(path: Path, stream: BinaryIO, options: LogOptions, skipped: Skipped) -> tuple[int, _Reading]:
    """The number of objects that the header states, and the reading at the first object."""
    content = stream.read(_HEADER.size)
    if len(content) < _HEADER.size or content[:4] != b"LOGG":
        raise FileRejected(path, f"is no BLF log: it begins with {content[:4]!r}, not with b'LOGG' and a header")
    header = _HEADER.unpack(content)
    size = header[1] if _HEADER.size <= header[1] <= 4096 else 144
    stream.read(size - _HEADER.size)
    return header[12], _Reading(path, _start_ns(header[14:22], options), skipped, place=size)


def _start_ns(moment: tuple[int, ...], options: LogOptions) -> int:
    """Start of the recording as written (its wall clock is taken as UTC unless a zone was given); 0 where there is
    none."""
    year, month, _, day, hour, minute, second, millisecond = moment
    try:
        start = datetime(year, month, day, hour, minute, second, millisecond * 1000, options.zone or UTC)
    except ValueError:
        return 0
    return unix_us(start) * 1000


def _outer(reading: _Reading, held: bytes, objects: Objects, *, is_end: bool) -> Iterator[pl.DataFrame]:
    """Frames of objects in the file itself, and of containers, in their order."""
    is_container = objects.types == _CONTAINER
    bare = _chosen(objects, ~is_container)
    if len(bare.places):
        yield from _frames(reading, np.frombuffer(held, dtype=np.uint8), bare)
    containers = zip(objects.places[is_container].tolist(), objects.sizes[is_container].tolist(), strict=True)
    pieces = [(place, size, True) for place, size in containers]
    pieces += [(place, length, False) for place, length in objects.damage.tolist()]
    for place, size, is_whole in sorted(pieces):
        content = held[place : place + size]
        if not (is_whole and _unpack(reading, content, reading.place + place)):
            # An object that begins before the damage has no end: what follows must not become its rest.
            is_cut = not is_whole and is_end and place + size == len(held) and content[:4] == b"LOBJ"
            if is_cut:
                _unpack_cut(reading, content, reading.place + place)
            elif not is_whole:
                reading.damaged(_said(content), reading.place + place)
            yield from _inner(reading, is_end=True)
        elif len(reading.inner) >= _BLOCK_BYTES:
            yield from _inner(reading, is_end=False)
    if is_end:
        yield from _inner(reading, is_end=True)


def _chosen(objects: Objects, is_chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Objects:
    return Objects(
        objects.places[is_chosen], objects.header_sizes[is_chosen], objects.sizes[is_chosen], objects.types[is_chosen],
        objects.damage[:0], objects.done,
    )  # fmt: skip


def _said(content: bytes) -> str:
    if not content.strip(b"\0"):
        return f"{len(content)} zero bytes"
    return f"{len(content)} bytes are no object: {content[:16].hex(' ')}"


def _unpack(reading: _Reading, container: bytes, place: int) -> bool:
    """Whether the content of a whole container could be added to what is to be read; if not, that was said."""
    content = _content(container)
    if isinstance(content, str):
        what = f"a container of {len(container)} bytes is damaged, and its objects are lost: {content}"
        reading.damaged(what, place)
        return False
    reading.inner += content
    return True


def _content(container: bytes) -> bytes | str:
    """What a container holds, or why that cannot be known."""
    header = struct.unpack_from("<H", container, 4)[0]
    if len(container) < header + _CONTAINER_HEAD.size:
        return "it is too short"
    method, size = _CONTAINER_HEAD.unpack_from(container, header)
    packed = container[header + _CONTAINER_HEAD.size :]
    if method == 0:
        return packed
    if method != _ZLIB:
        return f"it is packed by an unknown method ({method})"
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, min(size + 1, _LARGEST_UNPACKED))
    except zlib.error:
        return "it cannot be unpacked"
    return content if unpacker.eof and len(content) == size else "it unpacks to another size than it states"


def _unpack_cut(reading: _Reading, rest: bytes, place: int) -> None:
    """The last object of a file that was cut: of a container the beginning can be read."""
    is_container = len(rest) >= 32 and struct.unpack_from("<L", rest, 12)[0] == _CONTAINER
    reading.damaged(f"the file ends within {'a container' if is_container else 'an object'}", place)
    if not is_container:
        return
    header = struct.unpack_from("<H", rest, 4)[0]
    method = struct.unpack_from("<H", rest.ljust(header + 2, b"\0"), header)[0]
    packed = rest[header + _CONTAINER_HEAD.size :]
    try:
        reading.inner += zlib.decompressobj().decompress(packed, _LARGEST_UNPACKED) if method == _ZLIB else packed
    except zlib.error:
        return


def _inner(reading: _Reading, *, is_end: bool) -> Iterator[pl.DataFrame]:
    """Frames of unpacked objects; what is begun stays for the next container, unless nothing can follow."""
    while reading.inner:
        piece = bytes(reading.inner[:_PIECE_BYTES])
        is_last = is_end and len(piece) == len(reading.inner)
        content = np.frombuffer(piece, dtype=np.uint8)
        objects = find_objects(content, is_end=is_last, largest=_LARGEST_INNER)
        for place, length in objects.damage.tolist():
            reading.damaged(f"in a container before this place, {_said(piece[place : place + length])}", reading.place)
        yield from _frames(reading, content, objects)
        del reading.inner[: objects.done]
        if not objects.done or (not is_end and len(reading.inner) <= _LARGEST_INNER):
            break


def _frames(
    reading: _Reading, content: np.ndarray[tuple[int], np.dtype[np.uint8]], objects: Objects
) -> Iterator[pl.DataFrame]:
    reading.objects += len(objects.places)
    found = can_frames(content, objects, reading.start_ns)
    for reason, places, what in (
        (DAMAGED, found.wrong, "an object is shorter than its kind"),
        (REQUEST, found.requests, "TxRq"),
    ):
        if len(places):
            said = [f"{what}, before this place"] * len(places)
            reading.skipped(Unread.of(reason, [f"byte {reading.place}"] * len(places), said))
    if found.rows.height:
        yield found.rows
