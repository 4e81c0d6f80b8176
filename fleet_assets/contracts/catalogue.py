"""A mapping by name that is found when it is first asked, not while modules load.

Does not belong here: what is in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class Catalogue(Mapping[str, Entry], Generic[Entry]):
    """Entries by name; `find` is called once, at the first look."""

    def __init__(self, find: Callable[[], Mapping[str, Entry]]) -> None:
        self._find = find

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        return self._find()

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
