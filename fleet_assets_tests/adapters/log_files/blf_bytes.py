"""BLF files byte by byte, as writers leave them that were not closed or use no containers."""

from __future__ import annotations

import struct
import zlib

BLF_COUNT = 32
"""Place of the object count in the header."""

_HEADER = struct.Struct("<4sLBBBBBBBBQQLL8H8H")
_MOMENT = (2026, 3, 2, 10, 10, 0, 0, 0)


def blf_bytes(
    count: int, *, containers: bool, closed: bool = True, per_container: int = 0, container_bytes: int = 0
) -> bytes:
    """`count` frames a tenth of a second apart, the third byte of each its number."""
    objects = [message(number) for number in range(count)]
    if not containers:
        packed = [b"".join(objects)]
    elif container_bytes:
        joined = b"".join(objects)
        packed = [container(joined[at : at + container_bytes]) for at in range(0, len(joined), container_bytes)]
    else:
        size = per_container or max(1, count)
        packed = [container(b"".join(objects[first : first + size])) for first in range(0, count, size)]
    return header(count if closed else 0) + b"".join(packed)


def header(count: int) -> bytes:
    """The file's header with an object count."""
    return _HEADER.pack(b"LOGG", 144, 5, 0, 0, 0, 2, 6, 8, 1, 144, 144, count, 0, *_MOMENT, *_MOMENT).ljust(144, b"\0")


def message(number: int) -> bytes:
    """A CAN_MESSAGE object."""
    data = bytes([255, 255, number & 255, 80, 255, 255, 255, 255])
    return lobj(1, struct.pack("<HBBL8s", 1, 0, 8, 0x80000000 | 0x18FEF100, data), number * 100_000_000)


def lobj(kind: int, body: bytes, ns: int) -> bytes:
    """An object of any kind, its time in nanoseconds behind the start."""
    return struct.pack("<4sHHLLLHHQ", b"LOBJ", 32, 1, 32 + len(body), kind, 2, 0, 0, ns) + body


def container(content: bytes) -> bytes:
    """A packed container."""
    packed = zlib.compress(content)
    body = struct.pack("<H6xL4x", 2, len(content)) + packed
    whole = struct.pack("<4sHHLL", b"LOBJ", 16, 1, 16 + len(body), 10) + body
    return whole + b"\0" * (len(whole) % 4)
