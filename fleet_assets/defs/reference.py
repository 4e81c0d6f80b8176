"""Reference assets: the CSV tables that people keep, the DBC files and the signal maps, validated row by row.

Does not belong here: what makes a row valid (`core.reference`) and where the files are (`adapters.reference`).
"""

import hashlib

import dagster as dg
import polars as pl

from fleet_assets.contracts import DECODING_TABLES, REFERENCE_TABLES, Table
from fleet_assets.contracts.errors import ReferenceInvalid
from fleet_assets.defs import policies
from fleet_assets.defs.code_versions import code_version
from fleet_assets.places import Places
from fleet_assets.resources import PlacesResource, WholeTable

VERSION = code_version("fleet_assets.core.reference")


def reference_inputs(places: Places, table: Table) -> str:
    """Names the files behind a reference table and the code that reads them."""
    return f"{VERSION}:{places.reference.fingerprint(table)}"


def _reference_asset(table: Table) -> dg.AssetsDefinition:
    @dg.asset(
        name=table.name,
        description=table.row,
        io_manager_key="lake_io",
        code_version=VERSION,
        **policies.common(table, policies.REFERENCE_GROUP),
    )
    def materialise(places: PlacesResource) -> dg.Output[WholeTable]:
        # Before reading: a file saved in the meantime makes the table stale, not current.
        inputs = reference_inputs(places.get(), table)
        try:
            rows = _rows(table, places)
        except ReferenceInvalid as error:
            problems = dg.MetadataValue.md("\n".join(f"- {problem}" for problem in error.problems))
            raise dg.Failure(str(error), metadata={"problems": problems}, allow_retries=False) from None
        return dg.Output(WholeTable(rows, inputs), data_version=_version(rows))

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
