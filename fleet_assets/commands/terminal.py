"""The person's terminal, kept apart from what Dagster and dbt print while they work.

Belongs here: where words go. Does not belong here: the words.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet_assets.collector.console import Console


def terminal_console() -> Console:
    """A console on the terminal itself: it keeps speaking there while standard output goes elsewhere."""
    return Console(file=os.fdopen(os.dup(1), "w", encoding="utf-8"))


@contextmanager
def words_to(log: Path) -> Iterator[None]:
    """Append to a file what this process and its children print to standard output in the meantime.

    By file descriptor, because Dagster copies the output of steps through a child process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    saved = os.dup(1)
    with log.open("ab") as kept:
        os.dup2(kept.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
