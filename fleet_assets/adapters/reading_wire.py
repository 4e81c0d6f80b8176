"""What goes between an import and its reading process: tasks one way, messages the other.

Belongs here: their form. Does not belong here: the processes (reading_process, reading_child).

A message is its kind, its length in bytes, and its content. Rows travel as an Arrow file, or, where a reader has a
smaller form of them (`Compact`), as the arrays of that form, one after the other and copied by nobody but the pipe.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

HEAD = struct.Struct("<cQ")
"""Of each message: its kind and its length in bytes."""
FRAME, COMPACT, TOLD, REFUSED, FAILED, FULL, END = b"F", b"C", b"T", b"R", b"X", b"M", b"E"

_COUNT = struct.Struct("<Q")


@dataclass(frozen=True)
class Task:
    """What the process is asked: `function` is `module:name`, called with path, options, rows a chunk and a
    listener."""

    function: str
    path: Path
    options: Any
    chunk_rows: int
    memory_mb: int


@runtime_checkable
class Compact(Protocol):
    """Rows in a form that is smaller than the table and quickly made one; unpickled without what read them."""

    def table(self) -> pl.DataFrame: ...


def rows_to_parts(rows: pl.DataFrame | Compact) -> tuple[bytes, list[bytes | memoryview]]:
    """The kind of a message with these rows, and its content in parts."""
    if isinstance(rows, pl.DataFrame):
        buffer = BytesIO()
        rows.write_ipc(buffer)
        return FRAME, [buffer.getbuffer()]
    arrays: list[pickle.PickleBuffer] = []
    parts: list[bytes | memoryview] = [pickle.dumps(rows, protocol=5, buffer_callback=arrays.append)]
    parts += [array.raw() for array in arrays]
    sizes = [_COUNT.pack(len(part)) for part in parts]
    return COMPACT, [_COUNT.pack(len(parts)), *sizes, *(piece for part in parts for piece in (part, _filling(part)))]


def rows_of(kind: bytes, content: memoryview) -> pl.DataFrame:
    """The rows of a message; raises PolarsError where text in them is none."""
    if kind == FRAME:
        return pl.read_ipc(BytesIO(content))
    pickled, *arrays = _split(content)
    compact = pickle.loads(pickled, buffers=arrays)
    assert isinstance(compact, Compact)
    return compact.table()


def _split(content: memoryview) -> Sequence[memoryview]:
    count = _COUNT.unpack_from(content)[0]
    sizes = struct.unpack_from(f"<{count}Q", content, _COUNT.size)
    place, parts = _COUNT.size * (count + 1), []
    for size in sizes:
        part = content[place : place + size]
        parts.append(part)
        place += size + len(_filling(part))
    return parts


def _filling(part: bytes | memoryview) -> bytes:
    """What comes behind a part, so that numbers lie where the processor reads them: arrays elsewhere are copied."""
    return bytes(-len(part) % 8)
