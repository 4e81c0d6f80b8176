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
from fleet_assets.installation import Installation
from fleet_assets.pipeline.code_versions import modules_version
from fleet_assets.pipeline.former_versions import FORMER_REFERENCE_VERSION


@cache
def reference_version() -> str:
    """Names the code that turns the files into rows."""
    return modules_version("fleet_assets.core.reference", "fleet_assets.core.reviews")


def reference_tables() -> list[Table]:
    """The tables that people keep as files: reference data, DBC files, signal maps."""
    return [*REFERENCE_TABLES.values(), *DECODING_TABLES.values()]


def reference_inputs(installation: Installation, table: Table) -> str:
    """Names the files behind a reference table and the code that reads them."""
    return f"{reference_version()}:{installation.reference.fingerprint(table)}"


def reference_rows(installation: Installation, table: Table) -> pl.DataFrame:
    """What the files say; raises ReferenceInvalid with a sentence for each wrong cell."""
    store = installation.reference
    return store.texts(table) if table.name in DECODING_TABLES else store.read(table)


def stale_reference(installation: Installation) -> dict[str, str]:
    """The reference tables that are not what their files say, with the fingerprint of those files."""
    marks = {table: reference_inputs(installation, table) for table in reference_tables()}
    return {table.name: mark for table, mark in marks.items() if not _is_made_from(installation, table, mark)}


def pending_rows(installation: Installation, names: Collection[str]) -> dict[str, pl.DataFrame]:
    """What the files of these tables say; a table whose file is wrong stays as it is stored."""
    found = {}
    for table in reference_tables():
        if table.name in names:
            with contextlib.suppress(ReferenceInvalid):
                found[table.name] = reference_rows(installation, table)
    return found


def _is_made_from(installation: Installation, table: Table, mark: str) -> bool:
    record = installation.lake.record(table, None)
    former = f"{FORMER_REFERENCE_VERSION}:{mark.partition(':')[2]}"
    return record is not None and record.inputs in (mark, former)
