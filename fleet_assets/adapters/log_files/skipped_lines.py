"""Lines of text logs that python-can passes over without a word, although they look like frames.

Belongs here: telling them apart from headers, comments and events that are no frames. Does not belong here: what
becomes of them (the import sets them aside), and reading of frames (`python_can_logs`).

Only .asc and .trc need this: of .log and .csv python-can refuses whatever line it does not understand, and with it the
file. python-can takes one line and gives one frame, so that a line after which the next is taken without a frame in
between has given none: the count is exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TextIO

import can

Skipped = Callable[[str], None]
"""Called with each line that looks like a frame and gave none."""

_NO_FRAME = {
    # Header, comments, marks; and what happened at a time but is no CAN frame (statistics, states, triggers, assembled
    # J1939 messages, LIN, FlexRay, Ethernet), which has a word in place of the channel or of the identifier.
    ".asc": re.compile(
        r"$|//|date\s|base\s|(no\s+)?internal\s+events|previous\s+log\s+file|(begin|end)\s+trigger\s*block"
        r"|\d+\.\d+\s+(?!CANFD\b)[a-z]|\d+\.\d+\s+\d+\s+(statistic|j1939tp|logdirect|log\s+trigger)",
        re.IGNORECASE,
    ),
    # Comments; states, counters, events and warnings of the adapter. Error frames (ER) are no such lines.
    ".trc": re.compile(r"$|;|\d+\)?\s+[\d.]+\s+(\d+\s+)?(ST|EC|EV|Warng|Error)\b|\d+\)?\s+[\d.]+\s+FFFFFFFF\b"),
}


class WatchedLines:
    """A text file for python-can: the same lines, watched for those that give no frame."""

    def __init__(self, file: TextIO, ending: str, skipped: Skipped) -> None:
        self._file, self._no_frame, self._skipped = file, _NO_FRAME[ending], skipped
        self._line = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._settle()
        self._line = next(self._file)
        return self._line

    def frames(self, messages: Iterator[can.Message]) -> Iterator[can.Message]:
        """The messages that python-can makes of these lines, as they are; none is held back."""
        for message in messages:
            self._line = ""
            yield message

    def close(self) -> None:
        self._file.close()

    def _settle(self) -> None:
        line, self._line = self._line.strip(), ""
        if line and not self._no_frame.match(line):
            self._skipped(line)
