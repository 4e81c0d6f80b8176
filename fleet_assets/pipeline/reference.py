"""Reference tables: what names the files that they are made of, and their rows.

Belongs here: comparing files with stored tables. Does not belong here: what makes a row valid (`core.reference`) and
where the files are (`adapters.reference`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from functools import cache

import polars as pl

from fleet_assets.contracts import DECODING_TABLES, REFERENCE_TABLES, Table
from fleet_assets.contracts.errors import ReferenceInvalid
from fleet_assets.pipeline.code_versions import modules_version
from fleet_assets.pipeline.former_versions import FORMER_REFERENCE_VERSION
from fleet_assets.places import Places


@cache
def reference_version() -> str:
    """Names the code that turns the files into rows."""
    return modules_version("fleet_assets.core.reference")


def reference_tables() -> list[Table]:
    """The tables that people keep as files: reference data, DBC files, signal maps."""
    return [*REFERENCE_TABLES.values(), *DECODING_TABLES.values()]


def reference_inputs(places: Places, table: Table) -> str:
    """Names the files behind a reference table and the code that reads them."""
    return f"{reference_version()}:{places.reference.fingerprint(table)}"


def reference_rows(places: Places, table: Table) -> pl.DataFrame:
    """What the files say; raises ReferenceInvalid with a sentence for each wrong cell."""
    store = places.reference
    return store.texts(table) if table.name in DECODING_TABLES else store.read(table)


def stale_reference(places: Places) -> dict[str, str]:
    """The reference tables that are not what their files say, with the fingerprint of those files."""
    marks = {table: reference_inputs(places, table) for table in reference_tables()}
    return {table.name: mark for table, mark in marks.items() if not _is_made_from(places, table, mark)}


def pending_rows(places: Places, names: Collection[str]) -> dict[str, pl.DataFrame]:
    """What the files of these tables say; a table whose file is wrong stays as it is stored."""
    found = {}
    for table in reference_tables():
        if table.name in names:
            with contextlib.suppress(ReferenceInvalid):
                found[table.name] = reference_rows(places, table)
    return found


def _is_made_from(places: Places, table: Table, mark: str) -> bool:
    record = places.lake.record(table, None)
    former = f"{FORMER_REFERENCE_VERSION}:{mark.partition(':')[2]}"
    return record is not None and record.inputs in (mark, former)
