"""One backup being written: each file copied, hashed and noted, or linked where the backup before holds it already.

Belongs here: how a file gets into a backup. Does not belong here: which files, and how they are kept from changing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IMODE

from fleet_assets.adapters.backup.manifest import NAME, Entry, Manifest, sha256_of
from fleet_assets.adapters.durable_file import make_folder, sync_folder

_UNFINISHED = ".unfinished-"


def backups(store: Path) -> list[Path]:
    """The finished backups of a store, oldest first."""
    return sorted(path.parent for path in store.glob(f"[!.]*/{NAME}"))


@contextmanager
def new_backup(store: Path, home: Path, now: datetime) -> Iterator[BackupWriter]:
    """Write a backup into the store; it appears under its name when the block ends well, and not at all otherwise."""
    name = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    earlier = backups(store)
    make_folder(store)
    for leftover in store.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover)
    folder = store / f"{_UNFINISHED}{name}"
    folder.mkdir()
    before = (earlier[-1], Manifest.of(earlier[-1])) if earlier else None
    writer = BackupWriter(folder, Manifest(now.isoformat(), str(home)), before)
    yield writer
    writer.manifest.save(folder)
    folder.rename(store / name)
    sync_folder(store)
    writer.folder = store / name


@dataclass
class BackupWriter:
    """The files of one backup; `before` is the finished backup that equal files are linked to."""

    folder: Path
    manifest: Manifest
    before: tuple[Path, Manifest] | None = None
    on_bytes: Callable[[int], object] = lambda _bytes: None
    linked: int = field(default=0)

    def copy(self, name: str, source: Path) -> Entry:
        """Copy a file, durably; returns what was copied. The hash is that of the bytes that arrived in the backup."""
        target = self._target(name)
        # A second try must not write into what the first linked to the backup before.
        target.unlink(missing_ok=True)
        with source.open("rb") as content, target.open("wb") as copy:
            digest = hashlib.sha256()
            while chunk := content.read(1 << 20):
                digest.update(chunk)
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
            status = os.fstat(content.fileno())
        os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
        entry = Entry(digest.hexdigest(), target.stat().st_size, status.st_mtime_ns, S_IMODE(status.st_mode))
        self._link_instead(name, entry)
        return self._note(name, entry)

    def adopt(self, name: str) -> Entry:
        """Note a file that was written into the backup's folder by somebody else (a dump)."""
        path = self._target(name)
        return self._note(name, Entry(sha256_of(path), path.stat().st_size, path.stat().st_mtime_ns))

    def link(self, name: str, like: Entry) -> bool:
        """Take a file from the backup before, if it has the one meant there; nothing is read."""
        if self.before is None or self.before[1].files.get(name) != like:
            return False
        try:
            os.link(self.before[0] / name, self._target(name))
        except OSError:
            return False
        self.linked += 1
        self._note(name, like)
        return True

    def earlier(self, name: str) -> Entry | None:
        """What the backup before holds under this name."""
        return None if self.before is None else self.before[1].files.get(name)

    def leave_out(self, name: str, reason: str) -> None:
        self.manifest.left_out[name] = reason
        (self.folder / name).unlink(missing_ok=True)

    def target(self, name: str) -> Path:
        """Where a file of this name lies in the backup; its folder is there."""
        return self._target(name)

    def _target(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _link_instead(self, name: str, entry: Entry) -> None:
        """Give back the room of a copy that the backup before holds already."""
        earlier = self.earlier(name)
        if self.before is None or earlier is None or earlier != entry:
            return
        path = self.folder / name
        try:
            path.unlink()
            os.link(self.before[0] / name, path)
            self.linked += 1
        except OSError:
            shutil.copy2(self.before[0] / name, path)

    def _note(self, name: str, entry: Entry) -> Entry:
        self.manifest.files[name] = entry
        self.on_bytes(entry.size)
        return entry
