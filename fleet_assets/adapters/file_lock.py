"""One process at a time: a lock on a file that the operating system takes back however its holder ends.

Belongs here: waiting for it. Does not belong here: locks that must not be waited for (scanner, private Redis server).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet_assets.adapters.durable_file import make_folder


@contextmanager
def exclusive_lock(lock: Path) -> Iterator[int]:
    """Hold the lock, waiting until it is free; the file is made and stays.

    Yields its descriptor: a child that inherits it holds the lock too, as long as it lives.
    """
    make_folder(lock.parent)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


@contextmanager
def exclusive_folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder (the folder itself, no file in it), waiting until it is free; the folder is made."""
    with _held(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def shared_folder_lock(folder: Path) -> Iterator[None]:
    """Be in a folder with others who say so too, and never while one has it `exclusive_folder_lock`."""
    with _held(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def exclusive_folder_lock_if_free(folder: Path) -> Iterator[bool]:
    """Have a folder alone if nobody is in it at this moment; yields whether that is so, and waits for nobody."""
    try:
        with _held(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield True
    except BlockingIOError:
        yield False


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    make_folder(folder)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
