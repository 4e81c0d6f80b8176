"""The generations of a lake table, compared and gone back to.

Belongs here: listing them, the days in which two differ, making an old one the newest. Does not belong here: which are
kept (`lake_sweep`), and what a person reads of it (`commands`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from fleet_assets.adapters.durable_file import give_name
from fleet_assets.adapters.file_lock import exclusive_folder_lock
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_generation import Changes, Damaged, Generation
from fleet_assets.contracts import Table
from fleet_assets.contracts.errors import DataError, UsageError


@dataclass(frozen=True)
class Past:
    """One generation that is kept: how many partitions and rows it has, and how many partitions differ from the one
    kept before it; `missing` counts files that were swept, without which it cannot be gone back to."""

    number: int
    made_at: datetime
    made_by: str
    partitions: int
    rows: int
    changed: int
    missing: int


@dataclass(frozen=True)
class Difference:
    """One partition in which two generations differ; rows None where it is not stored."""

    day: date | None
    what: str
    rows_before: int | None
    rows_after: int | None


def history(lake: Lake, table: Table, limit: int) -> list[Past]:
    """The newest `limit` generations of a table, newest first."""
    lake.generation(table)
    manifest = lake.manifest(table)
    there = set(_present(lake, table))
    found: list[Past] = []
    before = manifest.nothing()
    for number in manifest.numbers()[-limit - 1 :]:
        try:
            one = manifest.read(number)
        except (Damaged, FileNotFoundError):
            continue
        rows = sum(record.row_count for record in one.records.values())
        missing = sum(file not in there for file in map(str, one.files()))
        changed = len(differences(before, one))
        found.append(Past(number, one.made_at, one.made_by, len(one.partitions), rows, changed, missing))
        before = one
    return found[::-1][:limit]


def _present(lake: Lake, table: Table) -> list[str]:
    return [str(file) for file in lake.folder(table).glob("_files/**/*") if file.is_file()]


def generation_of(lake: Lake, table: Table, number: int) -> Generation:
    """One generation by its number; raises UsageError where there is none of it, DataError where it is damaged."""
    lake.generation(table)
    try:
        return lake.manifest(table).read(number)
    except FileNotFoundError:
        there = lake.manifest(table).numbers()
        known = f"there are {there[0]} to {there[-1]}, without those that were swept" if there else "nothing is stored"
        raise UsageError(f"{table.name} has no generation {number}: {known}") from None
    except Damaged as error:
        raise DataError(f"generation {number} of {table.name} cannot be read: {error}") from None


def differences(before: Generation, after: Generation) -> list[Difference]:
    """The partitions whose bytes or records differ, in order of days."""
    days = sorted({*before.partitions, *after.partitions}, key=str)
    found = (_difference(day, before, after) for day in days if before.entry(day) != after.entry(day))
    return [*found]


def _difference(day: date | None, before: Generation, after: Generation) -> Difference:
    old, new = before.entry(day), after.entry(day)
    rows = [entry.record.row_count if entry else None for entry in (old, new)]
    if old is None or new is None:
        return Difference(day, "added" if old is None else "removed", *rows)
    if old.record.content != new.record.content:
        return Difference(day, "changed", *rows)
    return Difference(day, "same rows, other record", *rows)


def restore(lake: Lake, table: Table, number: int) -> tuple[Generation, list[Difference]]:
    """Make a new generation equal to an old one; returns it and what it changed.

    Every partition has the record that it had, by which it is judged as ever: what was made from other inputs than
    there are now is stale, and the next build makes it anew. Raises UsageError where a file of the old one was swept.
    """
    old = generation_of(lake, table, number)
    # Nobody stores into the table or sweeps it within: what is there stays there.
    with exclusive_folder_lock(lake.manifest(table).folder):
        _require_files(table, old)
        before = lake.manifest(table).newest()
        after = lake.manifest(table).commit(lambda now: _back(now, old), f"restore of {number}")
    changed = differences(before, after)
    for one in changed:
        _name(lake, table, one.day)
    return after, changed


def _require_files(table: Table, old: Generation) -> None:
    missing = [day for day in old.partitions if not _is_there(old, day)]
    if missing:
        raise UsageError(
            f"{table.name} cannot go back to generation {old.number}: {len(missing):,} of its {len(old.partitions):,} "
            f"files were swept (FLEET_LAKE_KEEP_DAYS); `fleet lake history {table.name}` says which are still whole"
        )


def _is_there(generation: Generation, day: date | None) -> bool:
    file = generation.file(day)
    return file is not None and file.exists()


def _back(now: Generation, old: Generation) -> Changes:
    days = {*now.partitions, *old.partitions}
    return {day: old.entry(day) for day in days if now.entry(day) != old.entry(day)}


def _name(lake: Lake, table: Table, day: date | None) -> None:
    """Have the name that people know stand for what is the newest by now."""
    with lake.partition_lock(table, day):
        file, name = lake.generation(table).file(day), lake.path(table, day)
        if file is None:
            name.unlink(missing_ok=True)
        else:
            give_name(file, name)
