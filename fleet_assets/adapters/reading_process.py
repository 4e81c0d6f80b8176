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
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleet_assets.adapters.reading_budget import ReadingBudget
from fleet_assets.adapters.reading_wire import COMPACT, FAILED, FRAME, FULL, HEAD, REFUSED, TOLD, Task, rows_of
from fleet_assets.contracts.errors import FileRejected

_PIPE_BYTES = 1 << 20
"""A pipe of the usual 64 KiB would wake both processes sixteen times as often."""

_START = "import gc; gc.disable(); from fleet_assets.adapters.reading_child import main; main()"
"""Nothing that loading modules makes is garbage: to look for it there is a fifth of the time that starting takes."""
_LEAN = {"OPENBLAS_NUM_THREADS": "1"}
"""Readers do no algebra: its threads would only be made, for a tenth of what starting takes."""


class _Late(Exception):
    """Nothing came within the time that there is."""


class _Reader:
    """One process, idle or reading one file."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _START]
        # A session of its own: Ctrl+C is for the import, which ends this process itself.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            pipesize=_PIPE_BYTES, env=os.environ | _LEAN,
        )  # fmt: skip

    def ask(self, task: Task) -> None:
        content = pickle.dumps(task)
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(struct.pack("<Q", len(content)) + content)
        stdin.flush()

    def answer(self, seconds: float) -> tuple[bytes, memoryview]:
        """The next message; raises EOFError where the process ended, and _Late."""
        until = time.monotonic() + seconds
        kind, length = HEAD.unpack(self._take(HEAD.size, until))
        return kind, self._take(length, until)

    def _take(self, count: int, until: float) -> memoryview:
        assert self._process.stdout is not None
        descriptor, done = self._process.stdout.fileno(), 0
        taken = np.empty(count, dtype=np.uint8).data
        while done < count:
            if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
                raise _Late
            came = os.readv(descriptor, [taken[done:]])
            if not came:
                raise EOFError
            done += came
        return taken

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
            if kind in (FRAME, COMPACT):
                yield _rows(path, kind, content)
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


def _rows(path: Path, kind: bytes, content: memoryview) -> pl.DataFrame:
    try:
        return rows_of(kind, content)
    except pl.exceptions.PolarsError as error:
        raise FileRejected(path, "it holds text that is none (not UTF-8): it is damaged") from error


def _raise(path: Path, kind: bytes, content: memoryview, budget: ReadingBudget) -> None:
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
