"""Which runs have a living process: each holds a lock on a file of its own until its process ends, however it ends.

Belongs here: holding, asking, forgetting. Does not belong here: what is done about a run whose process is gone
(`defs.dead_runs`).
"""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TextIO

from fleet_assets.adapters.durable_file import make_folder

_held: dict[Path, TextIO] = {}
"""Never closed: a run's last words are written after its last step, and the end of the process ends the lock."""


class Life(Enum):
    """What is known of the process of a run; UNKNOWN where none ever said on this machine that it works on it."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RunLocks:
    """The lock files of the runs of one installation, in a folder of their own on a local disk."""

    folder: Path

    def hold(self, run_id: str) -> None:
        """Say that this process works on the run, until the process ends."""
        path = self.folder / run_id
        if path not in _held:
            make_folder(self.folder)
            handle = path.open("w")
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held[path] = handle

    def life(self, run_id: str) -> Life:
        """Whether the process that works on the run is still there."""
        try:
            with (self.folder / run_id).open() as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return Life.UNKNOWN
        except BlockingIOError:
            return Life.ALIVE
        return Life.DEAD

    def known(self) -> list[str]:
        """The runs that have a lock file."""
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def forget(self, run_id: str) -> None:
        """Remove the file of a run that has ended."""
        (self.folder / run_id).unlink(missing_ok=True)
