"""How far a scanner got: a small file that outlives it, so that its successor can say what nobody read.

Belongs here: that file. Does not belong here: what is said because of it (collector/scan_session).

The file is written in place, over room it already has: a full disk cannot stop it, and a kill at any moment leaves the
old or the new text. It is flushed every few seconds only; after a power failure it may say less than was reached.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_ROOM = 512
_SYNC_SECONDS = 5.0


@dataclass(frozen=True)
class Reached:
    """The last word of a scanner: its numbering, the next number, and until when (unix microseconds) all is safe."""

    producer: str
    next_number: int
    safe_us: int
    """Frames of the bus up to this instant are in Redis or on the disk."""
    is_stopped: bool = False
    """It stopped as it was told; else it was killed, or its machine was."""


class ScanHeartbeat:
    """The file `heartbeat` of one spool folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "heartbeat"
        self._handle: int | None = None
        self._synced = 0.0

    def read(self) -> Reached | None:
        """What the last scanner left, or None for the first one (and for a file that a power failure cut)."""
        try:
            return Reached(**json.loads(self._path.read_bytes().rstrip(b"\0 ")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, reached: Reached) -> None:
        """Replace the last word."""
        if self._handle is None:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(self._handle, json.dumps(asdict(reached)).encode().ljust(_ROOM), 0)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fdatasync(self._handle)
            self._synced = time.monotonic()

    def close(self) -> None:
        if self._handle is not None:
            os.fsync(self._handle)
            os.close(self._handle)
            self._handle = None
