"""Reading a foreign format in a process of its own, under a budget of time and memory.

Belongs here: starting that process, waiting for it no longer than the budget, ending it. Does not belong here: what it
does (reading_child), formats.

A library that reads a damaged file may hang, take all memory or end the process it runs in. It ends only its own, and
the file is refused. One process reads file after file, since starting it takes a second; what is ended is started
anew.
"""

from __future__ import annotations

import atexit
import os
import pickle
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from fleet_assets.adapters.reading_budget import ReadingBudget
from fleet_assets.contracts.errors import FileRejected

HEAD = struct.Struct("<cQ")
"""Of each message: its kind and its length in bytes."""
FRAME, TOLD, REFUSED, FAILED, FULL, END = b"F", b"T", b"R", b"X", b"M", b"E"


@dataclass(frozen=True)
class Task:
    """What the process is asked: `function` is `module:name`, called with path, options, rows a chunk and a
    listener."""

    function: str
    path: Path
    options: Any
    chunk_rows: int
    memory_mb: int


_PIPE_BYTES = 1 << 20
"""A pipe of the usual 64 KiB would wake both processes sixteen times as often."""


class _Late(Exception):
    """Nothing came within the time that there is."""


class _Reader:
    """One process, idle or reading one file."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "fleet_assets.adapters.reading_child"]
        # A session of its own: Ctrl+C is for the import, which ends this process itself.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            pipesize=_PIPE_BYTES,
        )  # fmt: skip

    def ask(self, task: Task) -> None:
        content = pickle.dumps(task)
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(struct.pack("<Q", len(content)) + content)
        stdin.flush()

    def answer(self, seconds: float) -> tuple[bytes, bytes]:
        """The next message; raises EOFError where the process ended, and _Late."""
        until = time.monotonic() + seconds
        kind, length = HEAD.unpack(self._take(HEAD.size, until))
        return kind, self._take(length, until)

    def _take(self, count: int, until: float) -> bytes:
        assert self._process.stdout is not None
        descriptor, parts = self._process.stdout.fileno(), []
        while count:
            if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
                raise _Late
            part = os.read(descriptor, min(count, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


_idle: list[_Reader] = []


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


def read_apart(
    function: str, path: Path, options: Any, chunk_rows: int, budget: ReadingBudget, told: Callable[[Any], None]
) -> Iterator[pl.DataFrame]:
    """The frames that `function` gives for the file; what it tells on the way goes to `told`.

    Raises FileRejected: as the function does, or where the budget was not enough, or where the process was ended by
    what it read.
    """
    reader = _idle.pop() if _idle and _idle[-1].is_alive() else _Reader()
    is_done = False
    try:
        reader.ask(Task(function, path, options, chunk_rows, budget.memory_mb))
        patience = budget.patience(path)
        while True:
            kind, content = reader.answer(patience)
            if kind == FRAME:
                yield _frame(path, content)
            elif kind == TOLD:
                told(pickle.loads(content))
            else:
                is_done = kind != FULL
                break
        _raise(path, kind, content, budget)
    except _Late:
        raise FileRejected(
            path, f"its reader gave nothing for {patience:.0f} s and was ended: the file is damaged, or larger than "
            f"FLEET_IMPORT_SECONDS={budget.seconds:g} allows"
        ) from None  # fmt: skip
    except (EOFError, BrokenPipeError):
        raise FileRejected(
            path, f"its reader ended without a word: the file is damaged, or {_too_large(budget)}"
        ) from None
    finally:
        if is_done:
            _idle.append(reader)
        else:
            reader.end()


def _frame(path: Path, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_ipc(BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise FileRejected(path, "it holds text that is none (not UTF-8): it is damaged") from error


def _raise(path: Path, kind: bytes, content: bytes, budget: ReadingBudget) -> None:
    if kind == REFUSED:
        raise pickle.loads(content)
    if kind == FULL:
        raise FileRejected(path, _too_large(budget))
    if kind == FAILED:
        raise FileRejected(
            path, f"is not a readable {path.suffix.lower()} file: its content is damaged, or of another format"
        )


def _too_large(budget: ReadingBudget) -> str:
    return f"reading it needs more memory than FLEET_IMPORT_MEMORY_MB={budget.memory_mb} allows"
