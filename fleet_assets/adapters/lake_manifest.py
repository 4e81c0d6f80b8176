"""The manifest of a lake table: its generations by number, of which the newest says what the table is.

Belongs here: finding and reading generations, committing the next one. Does not belong here: what a generation says
(`lake_generation`), which ones may go (`lake_sweep`), and the rows (`lake`).

    <root>/<table>/_generations/000000000042.json

A commit writes the next number if nobody has (`durable_file.put_if_absent`), else it applies its change to what others
have committed and tries the number after. A text that cannot be read is passed over: the one before is what the table
is then, and each record in it says itself what it was made from.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from fleet_assets.adapters.durable_file import put_if_absent
from fleet_assets.adapters.file_lock import exclusive_folder_lock_if_free
from fleet_assets.adapters.lake_generation import Changes, Damaged, Generation, Head, head_and_facts

FOLDER = "_generations"
DIGITS = 12
_ENDING = ".json"

Facts = dict[str, list[Any]]


@dataclass(frozen=True)
class Manifest:
    """The generations of one table, whose folder may not be there yet."""

    table_folder: Path

    @cached_property
    def folder(self) -> Path:
        return self.table_folder / FOLDER

    @cached_property
    def _place(self) -> str:
        return str(self.folder)

    def path(self, number: int) -> Path:
        return Path(self._name(number))

    def _name(self, number: int) -> str:
        return f"{self._place}/{number:0{DIGITS}d}{_ENDING}"

    def numbers(self) -> list[int]:
        """The generations there are, oldest first."""
        return sorted(map(_number, self._names()))

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._place)
        except FileNotFoundError:
            return []
        return [name for name in names if name[0] != "." and name.endswith(_ENDING)]

    def newest_number(self) -> int:
        """The newest generation, readable or not; 0 where there is none."""
        try:
            changed_ns = os.stat(self._place).st_mtime_ns
        except FileNotFoundError:
            return 0
        known = _newest.get(self._place)
        number = known[1] if known and known[0] == changed_ns else _number(max(self._names(), default="0"))
        # The clock of a file system stands still for some milliseconds: what was committed in them is next in number.
        while os.path.exists(self._name(number + 1)):
            number += 1
        _newest[self._place] = (changed_ns, number)
        return number

    def newest(self) -> Generation:
        """The newest generation that can be read; number 0, with nothing in it, where there is none."""
        while True:
            number = self.newest_number()
            found = self._up_to(number)
            # Gone between both looks: whoever was stopped for hours in between looks again.
            if found.number == number or self.path(number).exists():
                return found

    def _up_to(self, number: int) -> Generation:
        """The generation of this number; where it cannot be read, the newest before it that can."""
        found = self._read_or_none(number) if number else None
        if found is not None or not number:
            return found or self.nothing()
        readable = (self._read_or_none(earlier) for earlier in reversed(self.numbers()) if earlier < number)
        return next(filter(None, readable), self.nothing())

    def nothing(self) -> Generation:
        return Generation(self.table_folder, 0, datetime.fromtimestamp(0, UTC), "nothing")

    def read(self, number: int) -> Generation:
        """One generation; raises Damaged where its text or its base's is, and FileNotFoundError where it was swept."""
        name = self._name(number)
        status = os.stat(name)
        state = (name, status.st_ino, status.st_mtime_ns)
        known = _read.get(state)
        if known is None:
            known = self._parsed(number, Path(name).read_bytes())
            _read.put(state, known)
        return known

    def _parsed(self, number: int, text: bytes) -> Generation:
        head, stated = self._stated(number, text)
        if head.base == number:
            return Generation(self.table_folder, number, head.made_at, head.made_by, number, _present(stated))
        facts = _present({**self.read(head.base).facts, **stated})
        return Generation(self.table_folder, number, head.made_at, head.made_by, head.base, facts, stated)

    def stated(self, number: int) -> tuple[Head, dict[str, list[Any] | None]]:
        """What a generation itself says: all partitions, or those that differ from its base; raises as `read`."""
        return self._stated(number, self.path(number).read_bytes())

    def _stated(self, number: int, text: bytes) -> tuple[Head, dict[str, list[Any] | None]]:
        head, stated = head_and_facts(text)
        if head.generation != number:
            raise Damaged(f"it calls itself generation {head.generation}")
        return head, stated

    def _read_or_none(self, number: int) -> Generation | None:
        try:
            return self.read(number)
        except (Damaged, FileNotFoundError):
            return None

    def heads(self) -> Iterator[Head]:
        """What each generation says of itself, oldest first, those left out that cannot be read."""
        for number in self.numbers():
            try:
                with self.path(number).open("rb") as file:
                    yield Head.of(file.readline())
            except (Damaged, FileNotFoundError):
                continue

    def unreadable(self, *, deep: bool) -> list[int]:
        """The generations that cannot be read: those after the one that the table is, or of all that there are."""
        first = 0 if deep else self.newest().number
        return [number for number in self.numbers() if number > first and self._read_or_none(number) is None]

    def take_away(self, numbers: Iterable[int]) -> bool:
        """Remove generations that cannot be read, unless somebody stores into the table at this moment."""
        with exclusive_folder_lock_if_free(self.folder) as is_alone:
            for number in numbers if is_alone else ():
                self.path(number).unlink(missing_ok=True)
        return is_alone

    def commit(self, change: Callable[[Generation], Changes], made_by: str) -> Generation:
        """Commit what `change` makes of the newest generation; it is asked again when somebody else was faster.

        Returns the generation that holds it: the newest as it was, where nothing is to be changed.
        """
        while True:
            # The number is asked for once: with a second look, what was committed in between would be passed over.
            number = self.newest_number()
            before = self._up_to(number)
            changes = change(before)
            if not changes:
                return before
            after = before.changed(changes, number + 1, made_by)
            if put_if_absent(self.path(number + 1), after.text):
                return after


def _number(name: str) -> int:
    return int(name[:DIGITS])


def _present(stated: dict[str, Any]) -> Facts:
    return {key: said for key, said in stated.items() if said is not None}


class _Kept:
    """The generations that this process read last; a file that was put in the place of another is another."""

    SIZE = 128

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], Generation] = OrderedDict()
        self._lock = Lock()

    def get(self, state: tuple[str, int, int]) -> Generation | None:
        with self._lock:
            if state in self._kept:
                self._kept.move_to_end(state)
            return self._kept.get(state)

    def put(self, state: tuple[str, int, int], generation: Generation) -> None:
        with self._lock:
            self._kept[state] = generation
            while len(self._kept) > self.SIZE:
                self._kept.popitem(last=False)


_read = _Kept()
_newest: dict[str, tuple[int, int]] = {}
"""Of each folder when it last changed (ns) and the newest generation then: who knows them need not list it."""
