"""The process that reads foreign formats: asked on standard input, answering on standard output, until that ends.

Belongs here: its loop, and the limit of its memory. Does not belong here: waiting for it (reading_process).
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import logging
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

from fleet_assets.adapters.reading_wire import END, FAILED, FULL, HEAD, REFUSED, TOLD, Task, rows_to_parts
from fleet_assets.contracts.errors import FileRejected

_DIE_WITH_PARENT = 1
"""prctl(2), PR_SET_PDEATHSIG: whoever hangs in a library would outlive an import that was killed."""


def main() -> None:
    """Read one task after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.disable(logging.CRITICAL)
    while head := sys.stdin.buffer.read(8):
        _read(pickle.loads(sys.stdin.buffer.read(struct.unpack("<Q", head)[0])), answers)


def _read(task: Task, answers: BinaryIO) -> None:
    try:
        function = _loaded(task.function)
        _limit(task.memory_mb)
        for rows in function(
            task.path, task.options, task.chunk_rows, lambda one: _say(answers, TOLD, pickle.dumps(one))
        ):
            kind, parts = rows_to_parts(rows)
            _say(answers, kind, *parts)
    except FileRejected as refusal:
        _say(answers, REFUSED, pickle.dumps(refusal))
    except MemoryError:
        _say(answers, FULL)
    # The libraries raise whatever their parsing runs into: IndexError, struct.error, zlib.error, KeyError, ...
    except Exception:  # noqa: BLE001
        _say(answers, FAILED)
    else:
        _say(answers, END)


def _loaded(named: str) -> Callable[..., Any]:
    module, _, name = named.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    if not gc.isenabled():
        # The first task: what is loaded now stays, and need not be looked at for garbage ever again.
        gc.freeze()
        gc.enable()
    return function


def _say(answers: BinaryIO, kind: bytes, *parts: bytes | memoryview) -> None:
    answers.write(HEAD.pack(kind, sum(len(part) for part in parts)))
    for part in parts:
        answers.write(part)
    answers.flush()


def _limit(memory_mb: int) -> None:
    """Let this process take so much more than it has: an allocation beyond fails, and with it this file."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = _data_bytes() + (memory_mb << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _data_bytes() -> int:
    """Bytes of data that the process has now; of Linux alone."""
    with open("/proc/self/status", encoding="ascii") as status:
        lines: dict[str, Any] = dict(line.split(":", 1) for line in status)
    return int(lines["VmData"].split()[0]) << 10
