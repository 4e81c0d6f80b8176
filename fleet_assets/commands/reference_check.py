"""`fleet reference check`: everything in the reference folder that cannot be used, each with a sentence.

Belongs here: asking all files, and what a person sees. Does not belong here: what makes a file wrong (`core`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
from rich.console import Console

from fleet_assets.contracts import DBC_BINDINGS, DBC_FILES, REFERENCE_TABLES, SIGNAL_MAPS, VEHICLES
from fleet_assets.contracts.errors import DataError
from fleet_assets.core.can import compile_database
from fleet_assets.installation import Installation
from fleet_assets.sources.declared import declared_bindings, declared_signal_map
from fleet_assets.wording import counted


def run_check(installation: Installation) -> None:
    """Print a sentence for each part of a DBC file that gives no value; raises DataError when a file is wrong."""
    console = Console()
    databases = installation.reference.texts(DBC_FILES)
    notes, wrong = _dropped(databases)
    wrong += [*_wrong_tables(installation), *_wrong_maps(installation)]
    if not wrong:
        wrong += _wrong_bindings(installation, databases)
    for note in notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    if wrong:
        raise DataError("\n  ".join([f"{counted(len(wrong), 'reference file or line')} cannot be used:", *wrong]))
    unused = f"{counted(len(notes), 'part')} of DBC files cannot be used as written" if notes else "all can be used"
    console.print(f"{counted(databases.height, 'DBC file')}, tables and signal maps: {unused}", highlight=False)


def _dropped(databases: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Sentences on parts of DBC files, and on files of which nothing can be read."""
    notes, wrong = [], []
    for name, text in databases.select("name", "text").iter_rows():
        try:
            notes += [f"{name}.dbc: {sentence}" for sentence in compile_database(text, name).dropped]
        except DataError as error:
            wrong.append(str(error))
    return notes, wrong


def _wrong_tables(installation: Installation) -> Iterator[str]:
    for table in REFERENCE_TABLES.values():
        yield from _refusals(lambda table=table: installation.reference.read(table))  # type: ignore[misc]


def _wrong_maps(installation: Installation) -> Iterator[str]:
    yield from _refusals(lambda: declared_signal_map(installation.reference.texts(SIGNAL_MAPS).lazy()))


def _refusals(read: Callable[[], object]) -> Iterator[str]:
    try:
        read()
    except DataError as error:
        yield str(error)


def _wrong_bindings(installation: Installation, databases: pl.DataFrame) -> list[str]:
    """Bindings that name a DBC file nobody has."""
    bindings, vehicles = installation.reference.read(DBC_BINDINGS), installation.reference.read(VEHICLES)
    found = declared_bindings(bindings.lazy(), vehicles.lazy(), databases.lazy())
    return [problem for problem in found.problems if "there is no DBC file" in problem]
