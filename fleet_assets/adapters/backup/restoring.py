"""Files of a backup put back, each place in one step, and what a restore has done so far.

Belongs here: copying out of a backup into empty places. Does not belong here: databases on servers, and which place
lies where.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fleet_assets.adapters.backup.manifest import NAME, Entry, Manifest, sha256_of
from fleet_assets.adapters.durable_file import make_folder, replace_file, sync_folder
from fleet_assets.contracts.errors import DataError, UsageError

_NOTES = ".restoring.json"


@dataclass
class Restoration:
    """What a restore of one backup has done already, kept in FLEET_HOME until it is whole: a stop on the way (a server
    that went away, a full disk, a kill) is answered by the same command again.

    `dumps` has the address into which each dump was restored; `is_placing` says that places may be there already.
    """

    file: Path
    backup: str
    dumps: dict[str, str] = field(default_factory=dict)
    is_placing: bool = False

    @classmethod
    def of(cls, home: Path, backup: Path) -> Restoration:
        """The one that was stopped, if it was of this backup; else a new one."""
        file, name = home / _NOTES, sha256_of(backup / NAME)
        known = json.loads(file.read_text()) if file.exists() else {}
        if known.get("backup") != name:
            return cls(file, name)
        return cls(file, name, known["dumps"], known["is_placing"])

    def note(self) -> None:
        """Keep what is said here now."""
        facts = {"backup": self.backup, "dumps": self.dumps, "is_placing": self.is_placing}
        replace_file(self.file, json.dumps(facts).encode())

    def end(self) -> None:
        self.file.unlink(missing_ok=True)


def require_free(targets: dict[str, Path], restoration: Restoration) -> None:
    """Raise UsageError for a target that holds anything, unless this restoration may have put it there."""
    for target in targets.values():
        if _is_filled(target) and not restoration.is_placing:
            raise UsageError(f"{target} is not empty: restore into an empty FLEET_HOME")


def fill(
    backup: Path, manifest: Manifest, targets: dict[str, Path], on_bytes: Callable[[int], object]
) -> dict[str, Path]:
    """Copy the files below each place (`lake/...`) beside its target folder, times kept, every copy's hash compared.

    Returns the places that the backup holds and that are not there yet. Raises DataError for wrong bytes.
    """
    filled: dict[str, Path] = {}
    for place, target in targets.items():
        files = {name: entry for name, entry in manifest.files.items() if name.startswith(f"{place}/")}
        if files and not _is_filled(target):
            filled[place] = target
            _fill(backup, place, files, _aside(target), on_bytes)
    return filled


def put_in_place(filled: dict[str, Path]) -> None:
    """Give the folders that were filled their names."""
    for target in filled.values():
        if target.exists():
            target.rmdir()
        _aside(target).rename(target)
        sync_folder(target.parent)


def _is_filled(target: Path) -> bool:
    return target.exists() and any(target.iterdir())


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.restoring")


def _fill(backup: Path, place: str, files: dict[str, Entry], folder: Path, on_bytes: Callable[[int], object]) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    make_folder(folder)
    for name, entry in files.items():
        copy = folder / Path(name).relative_to(place)
        copy.parent.mkdir(parents=True, exist_ok=True)
        put_back(backup, name, entry, copy)
        # A file that is as old as it was is not looked at again, and prune goes by its age.
        os.utime(copy, ns=(entry.modified_ns, entry.modified_ns))
        if sha256_of(copy) != entry.sha256:
            raise DataError(f"{copy} does not have the bytes of the backup; nothing was put in place")
        _sync(copy)
        on_bytes(entry.size)


def put_back(backup: Path, name: str, entry: Entry, copy: Path) -> None:
    """Copy one file out of a backup; it is never open to more than the file was that it is a copy of."""
    handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, entry.mode & 0o700)
    with (backup / name).open("rb") as content, open(handle, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    copy.chmod(entry.mode)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
