"""Files that are there completely or not at all, also after the power went.

Belongs here: temporary name, fsync, rename, fsync of the folder, a put that only the first of several writers wins, a
second name of the same bytes, the hash that names them. Does not belong here: any file format.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO
from uuid import uuid4

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK, errno.ENOSYS}
"""What a file system says that cannot give this file a second name there."""


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


def put_if_absent(path: Path, content: bytes) -> bool:
    """Create a file with this content, durable on return; False, and nothing done, where there is one of this name.

    Of several writers at once exactly one gets True. The one conditional put of the lake: link(2) here, a PUT with
    `If-None-Match: *` on an object store. Where the file system has no hard links, the name is taken first and filled
    then, so a reader may meet a part of the content and must be able to tell.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        _write_new(temporary, content)
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _take_and_fill(path, content)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def _take_and_fill(path: Path, content: bytes) -> bool:
    try:
        _write_new(path, content)
    except FileExistsError:
        return False
    sync_folder(path.parent)
    return True


def _write_new(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def give_name(source: Path, name: Path) -> bool:
    """Have `name` stand for the bytes of `source` in one step: a hard link, which takes no room.

    Returns False where it had to be a copy (another disk, a file system without hard links). A link is durable once the
    folder is synced (`sync_folder`).
    """
    make_folder(name.parent)
    temporary = name.with_name(f".{name.name}.{uuid4().hex}.tmp")
    try:
        os.link(source, temporary)
        temporary.replace(name)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with source.open("rb") as stream:
            write_durably(name, lambda file: copyfileobj(stream, file, 1 << 20))
        return False
    finally:
        # Of two names of one file, rename(2) removes neither.
        temporary.unlink(missing_ok=True)
    return True


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
