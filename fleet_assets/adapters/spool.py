"""A queue on the local disk, first in first out: where batches wait while Redis is away.

Belongs here: durable append, reading in order, forgetting what was sent, shedding the oldest. Does not belong here:
what a record means, and when to shed.

A spool is a folder of numbered segment files. A record is a header (magic, length, CRC-32) and its bytes, flushed to
the disk before `append` returns. A record cut by a power failure can only be the last of a segment: reading stops
there, and a new process always begins a new segment. A position file says how far the oldest segment was sent. It is
not flushed: after a power failure, or on a full disk, it may be behind, and records are given out again, which their
receiver must tolerate (see stream_producer). A record that the disk refuses is taken back wholly.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fleet_assets.adapters.durable_file import is_full, make_folder, sync_folder

SEGMENT_BYTES = 8 << 20

DISK_BYTES = 4 << 30
"""What a spool may take, unless told otherwise: two days of one car's bus at 1 000 frames/s."""

_HEADER = struct.Struct("<4sII")
_MAGIC = b"FSP1"


class Spool:
    """The queue in one folder; one process at a time. A segment is closed once it has `segment_bytes`."""

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        make_folder(folder)
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._position_file = folder / "position"
        segments = self._segments()
        # The position may name a segment that was removed: a new one of that name would be read from its middle.
        self._next_number = 1 + max(_number(segments[-1].name) if segments else 0, _number(self._noted()[0]))
        self._writing: BinaryIO | None = None
        self._reading: BinaryIO | None = None
        self._position = self._stored_position(segments)
        self._damaged = 0

    @property
    def damaged_bytes(self) -> int:
        """Bytes that could not be read because a record was cut or changed on the disk."""
        return self._damaged

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(segment.stat().st_size for segment in self._segments())

    def append(self, record: bytes) -> None:
        """Add a record at the end, durable on return. If the disk refuses, raises OSError; the spool is as before."""
        file = self._segment_to_write()
        start = file.tell()
        try:
            _write_all(file, _HEADER.pack(_MAGIC, len(record), zlib.crc32(record)) + record)
            os.fsync(file.fileno())
        except OSError:
            file.truncate(start)
            file.seek(start)
            raise

    def first(self) -> bytes | None:
        """The oldest record, or None when all were forgotten; it stays until `forget_first`."""
        while segments := self._segments():
            record = self._read(segments[0])
            if record is not None:
                return record
            if not self._drop(segments[0], is_last=len(segments) == 1):
                return None
        return None

    def forget_first(self) -> None:
        """Remove the oldest record, after it arrived elsewhere."""
        record = self.first()
        if record is not None:
            self._position += _HEADER.size + len(record)
            self._note_position(self._segments()[0])

    def shed_oldest(self) -> list[bytes]:
        """Remove the oldest segment and give back what was still to be sent of it, in order."""
        records: list[bytes] = []
        segments = self._segments()
        if not segments:
            return records
        while (record := self._read(segments[0])) is not None:
            records.append(record)
            self._position += _HEADER.size + len(record)
        if self._writing is not None and Path(self._writing.name) == segments[0]:
            self._close_writing()
        self._drop(segments[0], is_last=False)
        return records

    def is_empty(self) -> bool:
        return self.first() is None

    def close(self) -> None:
        self._close_writing()
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _close_writing(self) -> None:
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _segments(self) -> list[Path]:
        return sorted(self.folder.glob("*.spool"))

    def _stored_position(self, segments: list[Path]) -> int:
        name, offset = self._noted()
        return int(offset) if segments and name == segments[0].name and offset.isdigit() else 0

    def _note_position(self, segment: Path) -> None:
        fresh = self._position_file.with_suffix(".new")
        try:
            fresh.write_text(f"{segment.name} {self._position}", encoding="ascii")
            fresh.replace(self._position_file)
        except OSError as error:
            # Without it the next process sends a few records again, which is allowed.
            if not is_full(error):
                raise

    def _noted(self) -> tuple[str, str]:
        """Segment and offset of the position file; empty texts where there is none."""
        if not self._position_file.exists():
            return "", ""
        name, _, offset = self._position_file.read_text(encoding="ascii", errors="replace").partition(" ")
        return name, offset

    def _segment_to_write(self) -> BinaryIO:
        if self._writing is not None and self._writing.tell() >= self._segment_bytes:
            self._close_writing()
        if self._writing is None:
            # Unbuffered: what a full disk refused must not be tried again behind our back.
            self._writing = (self.folder / f"{self._next_number:012d}.spool").open("xb", buffering=0)
            self._next_number += 1
            sync_folder(self.folder)
        return self._writing

    def _read(self, segment: Path) -> bytes | None:
        """The record at the position, or None at the segment's end (or at a damaged record)."""
        if self._reading is None or self._reading.name != str(segment):
            if self._reading is not None:
                self._reading.close()
            self._reading = segment.open("rb")
        self._reading.seek(self._position)
        header = self._reading.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return None
        magic, length, checksum = _HEADER.unpack(header)
        record = self._reading.read(length) if magic == _MAGIC else b""
        return record if len(record) == length and zlib.crc32(record) == checksum and magic == _MAGIC else None

    def _drop(self, segment: Path, *, is_last: bool) -> bool:
        """Remove a segment that gives no more records; False when it is the one being written."""
        if is_last and self._writing is not None:
            return False
        self._damaged += segment.stat().st_size - self._position
        segment.unlink()
        self._position = 0
        return not is_last


@dataclass(frozen=True)
class Waiting:
    """What a spool holds that was not sent yet: records and their bytes."""

    records: int
    byte_count: int


def waiting(folder: Path) -> Waiting:
    """What waits in the spool of a folder. Nothing is locked or changed; only headers are read."""
    position = folder / "position"
    noted = position.read_text(encoding="ascii", errors="replace") if position.exists() else ""
    name, _, offset = noted.partition(" ")
    records = byte_count = 0
    for segment in sorted(folder.glob("*.spool")):
        start = int(offset) if segment.name == name and offset.isdigit() else 0
        for length in _lengths(segment, start):
            records += 1
            byte_count += length
    return Waiting(records, byte_count)


def _lengths(segment: Path, start: int) -> Iterator[int]:
    """The lengths of a segment's whole records from an offset on; none of a segment that was sent meanwhile."""
    try:
        file = segment.open("rb")
    except FileNotFoundError:
        return
    with file:
        size, place = os.fstat(file.fileno()).st_size, start
        while place + _HEADER.size <= size:
            file.seek(place)
            magic, length, _ = _HEADER.unpack(file.read(_HEADER.size))
            place += _HEADER.size + length
            if magic != _MAGIC or place > size:
                return
            yield length


def _write_all(file: BinaryIO, content: bytes) -> None:
    """Unbuffered files write what fits, which on a full disk is less than everything."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _number(segment: str) -> int:
    """The number in a segment's name, 0 for what is no segment's name."""
    digits = segment.partition(".")[0]
    return int(digits) if digits.isdigit() else 0
