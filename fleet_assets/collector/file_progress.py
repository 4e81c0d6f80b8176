"""Progress bars: what all of them have in common, and one over files, whatever their format.

Belongs here: their look. Does not belong here: what is done meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

from fleet_assets.collector.console import Console

_LOOK_SECONDS = 0.1


def passing_bar(console: Console, *columns: ProgressColumn, redirects: bool = True) -> Progress:
    """A bar that vanishes in the end; none where nobody looks at it (a file, a pipe).

    `redirects` lets what others print meanwhile pass above the bar.
    """
    return Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, redirect_stdout=redirects,
        redirect_stderr=redirects,
    )  # fmt: skip


class FileProgress:
    """Files done, weighed by their size, and the rows so far. It goes to standard error and vanishes in the end.

    How far a reader is within a file no format tells, so the bar moves from file to file and the rows count on between.
    """

    def __init__(self, title: str, paths: Sequence[Path]) -> None:
        self._sizes = {path: path.stat().st_size for path in paths}
        self._rows: dict[Path, int] = {}
        self._next_look = 0.0
        self._progress = passing_bar(
            Console(stderr=True), TextColumn(title), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.description}"), TimeElapsedColumn(),
        )  # fmt: skip
        self._task = self._progress.add_task("", total=max(1, sum(self._sizes.values())))

    def __enter__(self) -> FileProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, path: Path, rows: int) -> None:
        """`rows` of `path` are done so far; files before it are done wholly."""
        is_new = path not in self._rows
        self._rows[path] = rows
        if not is_new and time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        done = sum(self._sizes.get(other, 0) for other in self._rows if other != path)
        shown = f"{path.name}  {sum(self._rows.values()):,} rows"
        self._progress.update(self._task, completed=done, description=shown)
