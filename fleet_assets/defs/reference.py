"""Reference assets: the CSV tables that people keep, the DBC files and the signal maps, validated row by row.

Does not belong here: what makes a row valid (`core.reference`) and where the files are (`adapters.reference`).
"""

import hashlib

import dagster as dg
import polars as pl

from fleet_assets.contracts import DECODING_TABLES, REFERENCE_TABLES, Table
from fleet_assets.contracts.errors import ReferenceInvalid
from fleet_assets.defs import policies
from fleet_assets.resources import PlacesResource


def _reference_asset(table: Table) -> dg.AssetsDefinition:
    @dg.asset(
        name=table.name,
        description=table.row,
        io_manager_key="lake_io",
        code_version="1",
        **policies.common(table, policies.REFERENCE_GROUP),
    )
    def materialise(places: PlacesResource) -> dg.Output[pl.DataFrame]:
        try:
            rows = _rows(table, places)
        except ReferenceInvalid as error:
            problems = dg.MetadataValue.md("\n".join(f"- {problem}" for problem in error.problems))
            raise dg.Failure(str(error), metadata={"problems": problems}, allow_retries=False) from None
        return dg.Output(rows, data_version=_version(rows))

    return materialise


def _rows(table: Table, places: PlacesResource) -> pl.DataFrame:
    store = places.get().reference
    return store.texts(table) if table.name in DECODING_TABLES else store.read(table)


def _version(rows: pl.DataFrame) -> dg.DataVersion:
    return dg.DataVersion(hashlib.sha256(rows.write_json().encode()).hexdigest())


@dg.definitions
def reference() -> dg.Definitions:
    """One asset per reference table."""
    tables = [*REFERENCE_TABLES.values(), *DECODING_TABLES.values()]
    return dg.Definitions(assets=[_reference_asset(table) for table in tables])
