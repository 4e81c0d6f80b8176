"""Loading of the lake into a PostgreSQL warehouse, as assets between the lake's tables and the marts that read them.

With DuckDB there are none: it reads the lake's files. Does not belong here: how a partition is loaded
(`adapters.postgres.load`).
"""

from collections.abc import Iterator

import dagster as dg

from fleet_assets.contracts import TABLES, Table
from fleet_assets.defs import policies
from fleet_assets.pipeline.mart_models import LOADED_PREFIX
from fleet_assets.resources import InstallationResource, progressed

GROUP = "warehouse"


def loaded_key(name: str) -> dg.AssetKey:
    """The asset of a lake table in the database."""
    return dg.AssetKey([LOADED_PREFIX, name])


def _spec(table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        loaded_key(table.name),
        deps=[dg.AssetDep(table.name, partition_mapping=dg.AllPartitionMapping() if table.partition_by else None)],
        description=f"{table.row}\n\nThe lake's table in the database; partitions that are there already are kept.",
        group_name=GROUP,
        owners=policies.OWNERS,
        kinds={"postgres"},
        automation_condition=policies.follow_any_day(),
    )


def warehouse_load() -> dg.AssetsDefinition:
    """One asset for every table."""

    @dg.multi_asset(
        specs=[_spec(table) for table in TABLES.values()], can_subset=True, name="warehouse_load", pool="warehouse"
    )
    def load(context: dg.AssetExecutionContext, installation: InstallationResource) -> Iterator[dg.MaterializeResult]:
        """Bring tables to what the lake has: partitions that differ are replaced, each in one transaction."""
        here = installation.get()
        names = {key.path[-1] for key in context.selected_asset_keys}
        for position, table in enumerate(here.loader.load(names), start=1):
            progressed("loading", position, len(names))
            yield dg.MaterializeResult(
                asset_key=loaded_key(table.table),
                metadata={
                    "partitions_loaded": table.loaded,
                    "partitions_unchanged": table.unchanged,
                    "partitions_removed": table.removed,
                    "rows_loaded": table.rows,
                    "seconds": round(table.seconds, 3),
                    "dagster/uri": here.warehouse.location,
                },
            )

    return load
