"""The manifest of a backup: what it holds, so that every byte can be proved.

Belongs here: reading, writing and checking it. Does not belong here: copying.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.contracts.errors import DataError, UsageError, joined

NAME = "manifest.json"


@dataclass(frozen=True)
class Entry:
    """One file: SHA-256 of its bytes, their number, when it was last changed (ns since 1970), and who may read it
    (permission bits; closed to others where a backup of an earlier version does not say)."""

    sha256: str
    size: int
    modified_ns: int
    mode: int = field(default=0o600, compare=False)


@dataclass(frozen=True)
class Manifest:
    """All files of one backup by their path in it; `home` is where the installation lay, `left_out` what was not
    copied and why."""

    created_at: str
    home: str
    files: dict[str, Entry] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, backup: Path) -> Manifest:
        """Raises UsageError where there is no backup, or one that was never finished, and DataError for a manifest
        that cannot be read or names files outside of the backup."""
        try:
            stored = json.loads((backup / NAME).read_text())
            files = {name: Entry(**entry) for name, entry in stored["files"].items()}
            made = cls(stored["created_at"], stored["home"], files, stored["left_out"])
        except FileNotFoundError:
            raise UsageError(f"{backup} is no finished backup: it has no {NAME}") from None
        except (ValueError, TypeError, LookupError, AttributeError):
            raise DataError(f"{backup / NAME} is damaged: it is no manifest of a backup") from None
        outside = [name for name in files if not _stays_inside(name)]
        if outside:
            raise DataError(
                f"{backup / NAME} names {outside[0]!r}, which leaves the folder: it was not written by fleet"
            )
        return made

    def save(self, backup: Path) -> None:
        replace_file(backup / NAME, json.dumps(asdict(self), indent=1, sort_keys=True).encode())

    @property
    def byte_count(self) -> int:
        return sum(entry.size for entry in self.files.values())

    def check(self, backup: Path, seen: Callable[[int], object] = lambda _bytes: None) -> None:
        """Raises DataError naming the files that are missing or have other bytes than when the backup was made."""
        wrong = []
        for name, entry in self.files.items():
            path = backup / name
            if not path.is_file():
                wrong.append(f"{name} is missing")
            elif not path.resolve().is_relative_to(backup.resolve()):
                wrong.append(f"{name} is a link to elsewhere")
            elif sha256_of(path) != entry.sha256:
                wrong.append(f"{name} has changed")
            seen(entry.size)
        if wrong:
            raise DataError(f"{backup} is damaged: {joined(wrong)}")


def _stays_inside(name: str) -> bool:
    """Whether a name is that of a file below the folder, on every system."""
    parts = name.split("/")
    return not any(part in ("", ".", "..") for part in parts) and not re.search(r"[\\\0]|^\w:", name)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
