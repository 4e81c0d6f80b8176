"""What reading one foreign file may cost: time without progress, memory, unpacked size.

Belongs here: the limits, and files opened under them. Does not belong here: any format.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from fleet_assets.contracts.errors import FileRejected


@dataclass(frozen=True)
class ReadingBudget:
    """Limits for each file; whoever has larger ones raises them by the settings that are named."""

    seconds: float = 120.0
    """Without a row (FLEET_IMPORT_SECONDS), and as much again for each 100 MB of the file: some formats are sorted
    first."""
    memory_mb: int = 550
    """Of the process that reads MF4 and Parquet, beyond what it needs to start (FLEET_IMPORT_MEMORY_MB)."""
    unpacked_gb: float = 64.0
    """Bytes that a packed file may unpack to (FLEET_IMPORT_UNPACKED_GB)."""

    def patience(self, path: Path) -> float:
        """Seconds to wait for the next rows of a file."""
        return self.seconds * (1 + path.stat().st_size / 100e6)


USUAL_BUDGET = ReadingBudget()

BUFFER_BYTES = 1 << 20
"""Of each column of a Parquet file that is read. Without it, and with its own reading ahead, pyarrow holds a whole row
group, which may be the whole file."""


_BEHIND = "Not a gzipped file"
"""How the library begins to say that what stands at the beginning, or behind the packed text, is something else."""
_CONTRADICTORY = (
    "its packed text is damaged within, and any of it may be wrong: take another copy, or unpack what can be had "
    "(`gzip -dc`), look at it, and import that"
)


def open_plain(path: Path, budget: ReadingBudget) -> BinaryIO:
    """The bytes of a file, unpacked where its name ends in .gz; reading them raises FileRejected beyond the budget, and
    where they contradict their own check sum: any byte before that may be another one.

    A packed file that was cut ends where it ends, and one with something else behind it there; `damage_of` says so.
    """
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    return cast(BinaryIO, io.BufferedReader(_Unpacked(path, budget)))


def damage_of(stream: BinaryIO) -> tuple[str, str] | None:
    """Where a stream of `open_plain` ended before its end, and why, for people; None where it did not."""
    raw = getattr(stream, "raw", None)
    if not isinstance(raw, _Unpacked) or not raw.damage:
        return None
    return f"byte {raw.unpacked} of what is unpacked", raw.damage


class _Unpacked(io.RawIOBase):
    """A gzipped file as far as it can be unpacked."""

    def __init__(self, path: Path, budget: ReadingBudget) -> None:
        self._path, self._budget, self._file = path, budget, gzip.GzipFile(path, "rb")
        self.damage, self.unpacked = "", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            content = b"" if self.damage else self._file.read1(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if not isinstance(error, EOFError) and not str(error).startswith(_BEHIND):
                raise FileRejected(self._path, _CONTRADICTORY) from None
            content, self.damage = b"", "the gzipped file is damaged or was cut, and is read no further"
        self.unpacked += len(content)
        if self.unpacked > self._budget.unpacked_gb * 1e9:
            raise FileRejected(
                self._path, f"it unpacks to more than {self._budget.unpacked_gb:g} GB; raise FLEET_IMPORT_UNPACKED_GB"
            )
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()
