"""Names of the buses of an MF4 log, so that two never become one.

Belongs here: those names. Does not belong here: frames.

| A group of frames | Bus |
|---|---|
| records the channel of each frame | `CAN<channel>` |
| does so for a channel that another source in the file has too | `CAN<channel>-<source>` |
| records no channel, and names its source | `CAN<n>` where the source says `CAN n`, else the source |
| records no channel, and shares its source with others or names none | `<source>-group<n>` |
| is the only one, records no channel and names no source | the bus that was answered |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.unsignedinteger]

_ONE: Places = np.empty(0, dtype=np.uint8)

_USUAL_CHANNELS = 256


@dataclass(frozen=True)
class Group:
    """What a group of frames says of its bus: `source` is the name of what recorded it."""

    index: int
    source: str
    is_data: bool
    has_channel: bool


class BusNames:
    """The names in one file."""

    def __init__(self, groups: Sequence[Group], answered: str) -> None:
        self._groups = {group.index: group for group in groups}
        unnumbered = [group for group in groups if group.is_data and not group.has_channel]
        self._shared = Counter(_plain(group.source) for group in unnumbered)
        self._is_single, self._answered = len(unnumbered) == 1, answered
        self._owners: dict[int, str] = {}

    def of(self, index: int, channels: npt.NDArray[np.unsignedinteger]) -> tuple[tuple[str, ...], Places]:
        """Names of the buses of a group's frames and where each frame's stands among them (nothing where there is one
        name), given their channels (zeros where the group records none)."""
        group = self._groups[index]
        if not group.has_channel:
            return (self._unnumbered(group),), _ONE
        if channels.size and channels.min() == channels.max():
            return (self._numbered(int(channels[0]), group.source),), _ONE
        if channels.size and channels.max() < _USUAL_CHANNELS:
            # A text is made once per channel, not per frame.
            used = np.flatnonzero(np.bincount(channels)).tolist()
            names = dict.fromkeys(range(_USUAL_CHANNELS), "") | {n: self._numbered(n, group.source) for n in used}
            return tuple(names.values()), channels.astype(np.uint8)
        numbers, found = np.unique(channels, return_inverse=True)
        return tuple(self._numbered(number, group.source) for number in numbers.tolist()), found.astype(np.uint32)

    def _numbered(self, channel: int, source: str) -> str:
        owner = self._owners.setdefault(channel, source)
        return f"CAN{channel}" if source in ("", owner) or not owner else f"CAN{channel}-{_plain(source)}"

    def _unnumbered(self, group: Group) -> str:
        name = _plain(group.source)
        if self._is_single and not name:
            return self._answered
        return name if name and self._shared[name] <= 1 else f"{name or 'CAN'}-group{group.index}"


def _plain(source: str) -> str:
    """A source as a name of a bus; `CAN 1`, `can1` and `CAN_1` are `CAN1`."""
    numbered = re.fullmatch(r"(?i)\s*can[\s_-]*(\d+)\s*", source)
    return f"CAN{int(numbered.group(1))}" if numbered else re.sub(r"\s+", "_", source.strip())
