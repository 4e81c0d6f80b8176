"""What of a lake table may go: superseded generations, and the files that only they name.

Belongs here: which generations are kept, and removing the rest. Does not belong here: when that is done (`lake`,
`pipeline.retention`), and landed files (`pipeline.retention`).

Kept are the newest generation; those that were the newest at some moment of the last hours, since somebody may still
read them; and the last one of each of the last days on which anything was stored, to go back to. Going by the moment at
which a generation was superseded, not by its own age, protects the reader of one that stood for a month.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from fleet_assets.adapters.file_lock import exclusive_folder_lock_if_free
from fleet_assets.adapters.lake_generation import FILES, NAME_DIGITS, Damaged, Head
from fleet_assets.adapters.lake_manifest import Manifest


@dataclass(frozen=True)
class Kept:
    """How long what was superseded is kept: `grace` after it was, and `days` days to go back to."""

    grace: timedelta = timedelta(hours=6)
    days: int = 7


@dataclass(frozen=True)
class Swept:
    """What went, or would go, of one table; files in bytes of which nobody else has a name."""

    generations: int = 0
    files: int = 0
    byte_count: int = 0


def sweep(manifest: Manifest, kept: Kept, now: datetime, *, is_dry: bool = False) -> Swept:
    """Remove what `kept` does not hold; nothing, where somebody stores into the table at this moment."""
    if not manifest.newest_number():
        return Swept()
    with exclusive_folder_lock_if_free(manifest.folder) as is_alone:
        return _sweep(manifest, kept, now, is_dry=is_dry) if is_alone else Swept()


def _sweep(manifest: Manifest, kept: Kept, now: datetime, *, is_dry: bool) -> Swept:
    newest, heads = manifest.newest().number, [*manifest.heads()]
    wanted = kept_numbers(heads, kept, now) | {newest}
    named, bases = _named(manifest, wanted)
    files = [file for name, file in _files(manifest.table_folder / FILES) if name not in named]
    needed = wanted | bases
    going = [number for number in manifest.numbers() if number not in needed and number < newest]
    swept = Swept(len(going), len(files), sum(map(_own_size, files)))
    if not is_dry:
        for path in [*map(manifest.path, going), *files, *manifest.folder.glob(".*.tmp")]:
            path.unlink(missing_ok=True)
    return swept


def kept_numbers(heads: Sequence[Head], kept: Kept, now: datetime) -> set[int]:
    """The generations that are kept, of those there are (oldest first)."""
    if not heads:
        return set()
    found = {heads[-1].generation}
    last_of_day: dict[date, int] = {}
    for head, following in pairwise(heads):
        if following.made_at > now - kept.grace:
            found.add(head.generation)
    for head in heads:
        last_of_day[head.made_at.date()] = head.generation
    return found | {last_of_day[day] for day in sorted(last_of_day, reverse=True)[: kept.days]}


def _named(manifest: Manifest, numbers: set[int]) -> tuple[set[str], set[int]]:
    """The files of these generations, and their bases; one that cannot be read names none.

    Of a base those files count that the first generation upon it did not replace: the later ones replace these too.
    """
    found: set[str] = set()
    bases: set[int] = set()
    for number in sorted(numbers):
        try:
            head, stated = manifest.stated(number)
            found |= _names(stated)
            if head.base != number and head.base not in bases:
                upon = manifest.stated(head.base)[1]
                found |= _names({key: said for key, said in upon.items() if key not in stated})
            bases.add(head.base)
        except (Damaged, FileNotFoundError):
            continue
    return found, bases


def _names(stated: Mapping[str, list[Any] | None]) -> set[str]:
    return {_name(f"date={key}" if key else "", said[0][:NAME_DIGITS]) for key, said in stated.items() if said}


def _name(folder: str, content: str) -> str:
    return f"{folder}/{content}"


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below with its name there; unfinished ones of killed writers too."""
    for place, _, names in os.walk(folder):
        day = Path(place).name if Path(place) != folder else ""
        yield from ((_name(day, name), Path(place, name)) for name in names)


def _own_size(file: Path) -> int:
    """The room that a file gives back: none where it has another name."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return 0
    return status.st_size if status.st_nlink == 1 else 0
