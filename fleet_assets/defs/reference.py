"""Reference assets: the CSV tables that people keep, the DBC files and the signal maps, validated row by row.

Does not belong here: what makes a row valid (`core.reference`) and where the files are (`adapters.reference`).
"""

import hashlib

import dagster as dg
import polars as pl

from fleet_assets.contracts import Table
from fleet_assets.contracts.errors import ReferenceInvalid
from fleet_assets.defs import policies
from fleet_assets.pipeline.reference import reference_inputs, reference_rows, reference_tables, reference_version
from fleet_assets.resources import InstallationResource, WholeTable


def _reference_asset(table: Table) -> dg.AssetsDefinition:
    @dg.asset(
        name=table.name,
        description=table.row,
        io_manager_key="lake_io",
        code_version=reference_version(),
        **policies.common(table, policies.REFERENCE_GROUP),
    )
    def materialise(installation: InstallationResource) -> dg.Output[WholeTable]:
        # Before reading: a file saved in the meantime makes the table stale, not current.
        inputs = reference_inputs(installation.get(), table)
        try:
            rows = reference_rows(installation.get(), table)
        except ReferenceInvalid as error:
            problems = dg.MetadataValue.md("\n".join(f"- {problem}" for problem in error.problems))
            raise dg.Failure(str(error), metadata={"problems": problems}, allow_retries=False) from None
        return dg.Output(WholeTable(rows, inputs), data_version=_version(rows))

    return materialise


def _version(rows: pl.DataFrame) -> dg.DataVersion:
    return dg.DataVersion(hashlib.sha256(rows.write_json().encode()).hexdigest())


def reference_assets() -> list[dg.AssetsDefinition]:
    """One asset per reference table."""
    return [_reference_asset(table) for table in reference_tables()]
