"""`fleet lake`: generations of a table as tables on the terminal, going back, sweeping, publishing for other engines.

Belongs here: what a person sees of it. Does not belong here: generations themselves (`adapters.lake_history`,
`adapters.lake_sweep`, `adapters.lake_delta`).
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

from fleet_assets.adapters.lake_history import Difference, differences, generation_of, history, restore
from fleet_assets.collector.console import Console
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.contracts import TABLES, Table
from fleet_assets.contracts.errors import UsageError
from fleet_assets.contracts.table_names import no_such_table
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_rules import rules_of
from fleet_assets.wording import counted

SHOWN_DAYS = 60
"""Days that a diff lists; more are counted."""


def run_history(installation: Installation, name: str, limit: int) -> None:
    """The newest generations of a table."""
    found = history(installation.lake, _table(name), limit)
    console = _console()
    if not found:
        console.print(f"Nothing of {name} is stored.")
        return
    grid = Grid(_number("generation"), "made (UTC)", "by", _number("days"), _number("rows"), _number("changed"), "")
    for one in found:
        swept = f"{counted(one.missing, 'file')} swept" if one.missing else ""
        made_at = f"{one.made_at:%Y-%m-%d %H:%M:%S}"
        grid.add(
            str(one.number), made_at, one.made_by, f"{one.partitions:,}", f"{one.rows:,}", f"{one.changed:,}", swept
        )
    console.print(grid)


def run_diff(installation: Installation, name: str, before: int, after: int) -> None:
    """The days in which two generations differ."""
    table = _table(name)
    found = differences(generation_of(installation.lake, table, before), generation_of(installation.lake, table, after))
    console = _console()
    if not found:
        console.print(f"Generations {before} and {after} of {name} are equal.")
        return
    grid = Grid("day", "what", _number(f"rows in {before}"), _number(f"rows in {after}"))
    for one in found[:SHOWN_DAYS]:
        grid.add(_day(one.day), one.what, _rows(one.rows_before), _rows(one.rows_after))
    console.print(grid)
    console.print(_counts(found))


def run_restore(installation: Installation, name: str, number: int) -> None:
    """Go back, and say what that changed."""
    table = _table(name)
    _owe(installation, table, number)
    generation, changed = restore(installation.lake, table, number)
    console = _console()
    if not changed:
        console.print(f"{name} is as in generation {number} already.")
        return
    console.print(_counts(changed))
    console.print(
        f"{name} is as in generation {number}; this is generation {generation.number}. What was made from other inputs "
        "or code than there are now is stale: `fleet build` would make it anew."
    )


def run_sweep(installation: Installation, dry_run: bool) -> None:
    """Remove what is no longer kept, of all tables."""
    swept = [installation.lake.sweep(table, is_dry=dry_run) for table in TABLES.values()]
    generations, files = sum(one.generations for one in swept), sum(one.files for one in swept)
    size = sum(one.byte_count for one in swept)
    verb = "would go" if dry_run else "removed"
    _console().print(f"{counted(generations, 'generation')} and {counted(files, 'file')} {verb}, {size / 1e6:,.1f} MB")


def run_export(installation: Installation, folder: Path, names: list[str]) -> None:
    """Publish tables as Delta tables."""
    # The package takes a third of a second to load.
    from fleet_assets.adapters.lake_delta import publish

    tables = [_table(name) for name in names] or [
        table for table in TABLES.values() if installation.lake.records(table)
    ]
    if folder.resolve().is_relative_to(installation.lake.root.resolve()):
        raise UsageError(f"{folder} lies in the lake itself: name a folder outside {installation.lake.root}")
    counts = map(_number, ("generation", "version", "files added", "files removed"))
    grid = Grid("table", *counts, Heading("", Kind.prose))
    for table in tables:
        one = publish(installation.lake, table, folder)
        copied = f"{one.copied:,} copied: {folder} lies on another disk" if one.copied else ""
        grid.add(one.table, str(one.generation), str(one.version), f"{one.added:,}", f"{one.removed:,}", copied)
    _console().print(grid)


def _owe(installation: Installation, table: Table, number: int) -> None:
    """Have the days that come back judged anew, as any day that is stored."""
    old = generation_of(installation.lake, table, number)
    for one in differences(installation.lake.generation(table), old):
        if one.day is not None and one.rows_after is not None:
            installation.check_results.owe(table, one.day, rules_of(table.name))


def _table(name: str) -> Table:
    if name not in TABLES:
        raise UsageError(f"the lake: {no_such_table(name, sorted(TABLES))}")
    return TABLES[name]


def _counts(found: list[Difference]) -> str:
    kinds = Counter(one.what for one in found)
    return ", ".join(f"{counted(count, 'day')} {kind}" for kind, count in kinds.items())


def _day(day: date | None) -> str:
    return "all" if day is None else str(day)


def _rows(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _number(title: str) -> Heading:
    return Heading(title, Kind.number)


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
