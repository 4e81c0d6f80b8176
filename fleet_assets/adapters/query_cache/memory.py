"""Results in this process: the least recently used go when there is no room.

Belongs here: the bound in bytes and counting what was let go. Does not belong here: keys and versions.
"""

from __future__ import annotations

from threading import Lock

import polars as pl
from cachetools import LRUCache


class MemoryResults:
    """Results by key, together at most `capacity` bytes; safe to use from several threads."""

    def __init__(self, capacity: int) -> None:
        self._frames = _Counting(capacity)
        self._lock = Lock()

    def get(self, key: str) -> pl.DataFrame | None:
        with self._lock:
            return self._frames.get(key)

    def put(self, key: str, rows: pl.DataFrame) -> None:
        """Keep a result; one that is larger than all the room is not kept."""
        with self._lock:
            if _bytes_of(rows) <= self._frames.maxsize:
                self._frames[key] = rows

    def clear(self) -> None:
        with self._lock:
            self._frames.clear()

    @property
    def size(self) -> tuple[int, int, int]:
        """Results kept, bytes of all of them, and how many were let go for want of room."""
        with self._lock:
            return len(self._frames), int(self._frames.currsize), self._frames.evicted


class _Counting(LRUCache[str, pl.DataFrame]):
    def __init__(self, capacity: int) -> None:
        super().__init__(capacity, getsizeof=_bytes_of)
        self.evicted = 0

    def popitem(self) -> tuple[str, pl.DataFrame]:
        self.evicted += 1
        return super().popitem()


def _bytes_of(rows: pl.DataFrame) -> int:
    """Bytes of the values and, per column, of the objects around them."""
    return int(rows.estimated_size()) + 512 * (rows.width + 1)
