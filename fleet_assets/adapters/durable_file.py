"""Files that are there completely or not at all, also after the power went.

Belongs here: temporary name, fsync, rename, fsync of the folder, the hash that names their bytes. Does not belong here:
any file format.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

_FULL = {errno.ENOSPC, errno.EDQUOT}


def is_full(error: OSError) -> bool:
    """Whether the disk (or the quota on it) is full: a state that passes, unlike other failures of a disk."""
    return error.errno in _FULL


def write_durably(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call `write` on a new file in the same folder, then put it in the place of `path` in one step.

    Readers see the old file or the new one. When this returns, the new one survives a power cut. The temporary name
    starts with a dot and ends in `.tmp`, so that no `*.parquet` glob ever meets it.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path` in one step, durable on return."""
    write_durably(path, lambda file: file.write(content))


def make_folder(folder: Path) -> None:
    """Create the folder and its parents so that their names survive a power cut too."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for created in reversed(missing):
        sync_folder(created.parent)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a rename is only safe once its folder is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
