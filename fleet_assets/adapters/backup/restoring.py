"""Files of a backup put back, each place in one step.

Belongs here: copying out of a backup into empty places. Does not belong here: databases on servers, and which place
lies where.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from fleet_assets.adapters.backup.manifest import Entry, Manifest, sha256_of
from fleet_assets.adapters.durable_file import make_folder, sync_folder
from fleet_assets.contracts.errors import DataError, UsageError


def put_back(
    backup: Path, manifest: Manifest, targets: dict[str, Path], on_bytes: Callable[[int], object]
) -> dict[str, Path]:
    """Copy the files below each place (`lake/...`) into its target folder, times kept, every copy's hash compared.

    A target must be missing or empty. All are filled aside first, so that a stop on the way leaves nothing half there.
    Returns the places that were put back. Raises UsageError for a target that holds anything, and DataError for wrong
    bytes.
    """
    for target in targets.values():
        if target.exists() and any(target.iterdir()):
            raise UsageError(f"{target} is not empty: restore into an empty FLEET_HOME")
    filled: dict[str, Path] = {}
    for place, target in targets.items():
        files = {name: entry for name, entry in manifest.files.items() if name.startswith(f"{place}/")}
        if files:
            filled[place] = target
            _fill(backup, place, files, _aside(target), on_bytes)
    for target in filled.values():
        if target.exists():
            target.rmdir()
        _aside(target).rename(target)
        sync_folder(target.parent)
    return filled


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.restoring")


def _fill(backup: Path, place: str, files: dict[str, Entry], folder: Path, on_bytes: Callable[[int], object]) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    make_folder(folder)
    for name, entry in files.items():
        copy = folder / Path(name).relative_to(place)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(backup / name, copy)
        # The time of a landed file is part of what raw tables were made from.
        os.utime(copy, ns=(entry.modified_ns, entry.modified_ns))
        if sha256_of(copy) != entry.sha256:
            raise DataError(f"{copy} does not have the bytes of the backup; nothing was put in place")
        _sync(copy)
        on_bytes(entry.size)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
