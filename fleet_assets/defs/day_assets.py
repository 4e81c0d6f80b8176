"""Day tables as Dagster assets: one partitioned asset each, which also makes a range of days in one run, day by day.

Does not belong here: what the tables are and how their days are made (`pipeline`).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import cast

import dagster as dg

from fleet_assets.contracts import Table, registry
from fleet_assets.defs import policies
from fleet_assets.defs.partitions import day_partitions, reaching_back, selected_days
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DayTable
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.pipeline.tables.raw import landing_asset
from fleet_assets.resources import TELLS_ITS_OWN_EVENTS, InstallationResource, day_event, progressed

ONLY_STALE_TAG = "fleet/only_stale"
"""Run tag: partitions whose inputs and code are those of the stored result are kept as they are."""

DRAWN_DAYS = 31
"""The newest days of a run that get a picture: a rebuild of years draws no picture that nobody will look at, and
Dagster's event log stays small. `fleet plot` draws any span."""


def _day_asset(maker: DayTable) -> dg.AssetsDefinition:
    """The partitioned asset of a day table. It stores day by day, and tells of each: a range is one run, and what was
    stored when a run is killed stays stored."""
    table = maker.table

    @dg.asset(
        name=table.name,
        description=f"{table.row}\n\n{(maker.compute.__doc__ or '').strip()}",
        deps=[*maker.upstream, *(_dependency(maker, read) for read in maker.inputs)],
        partitions_def=day_partitions(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        io_manager_key="lake_io",
        code_version=maker.code_version,
        automation_condition=policies.follow_inputs() if maker.reads and not maker.is_on_demand else None,
        **policies.common(table, maker.group),
    )
    def materialise(context: dg.AssetExecutionContext, installation: InstallationResource) -> dg.Output[None]:
        here, days = installation.get(), selected_days(context)
        _tell_of_outside(context, maker, here, days)
        only_stale = context.run.tags.get(ONLY_STALE_TAG) == "true"
        changed, kept, shown = 0, 0, newest_full_day(days)
        held: dg.AssetMaterialization | None = None
        try:
            for position, stored in enumerate(store_days(here, maker, days, only_stale=only_stale), start=1):
                kept += stored.written is None
                changed += stored.written is not None and stored.written.is_changed
                is_drawn = position > len(days) - DRAWN_DAYS
                event = day_event(context.asset_key, table, stored, here, is_drawn=is_drawn)
                if stored.day == shown:
                    held = event
                else:
                    context.log_event(event)
                progressed(table.name, position, len(days))
        finally:  # the day is stored, whatever becomes of later ones
            if held is not None:
                context.log_event(held)
        context.log.info(f"{table.name}: {len(days)} days, {changed} changed, {kept} were current")
        return dg.Output(None, metadata=TELLS_ITS_OWN_EVENTS)

    return cast(dg.AssetsDefinition, materialise)


def newest_full_day(days: Sequence[date]) -> date | None:
    """The day to tell of last, so that the asset's page shows it and not today, which has hardly begun; None where it
    is the last anyway."""
    today = datetime.now(UTC).date()
    full = [day for day in days if day < today]
    return max(full) if full and max(days) >= today else None


def _tell_of_outside(
    context: dg.AssetExecutionContext, maker: DayTable, installation: Installation, days: Iterable[date]
) -> None:
    """What lies outside Dagster shows in its graph what was there when it was read."""
    for name in maker.upstream:
        assert maker.outside is not None
        for day in days:
            facts = {"files": len(list(maker.outside.facts(installation, day)))}
            context.log_event(dg.AssetMaterialization(name, partition=day.isoformat(), metadata=facts))


def _dependency(maker: DayTable, read: Table) -> dg.AssetDep:
    if read.partition_by is None:
        return dg.AssetDep(read.name)
    return dg.AssetDep(read.name, partition_mapping=reaching_back(maker.look_back(read)))


def _landing_spec(name: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        name, description=description, group_name="landing", kinds={"parquet"}, owners=policies.OWNERS,
        partitions_def=day_partitions(),
    )  # fmt: skip


def day_assets() -> list[dg.AssetsDefinition]:
    """Every day table."""
    return [_day_asset(maker) for maker in DAY_TABLES.values()]


def landing_assets() -> list[dg.AssetSpec]:
    """What has landed for them, which no run makes."""
    return [_landing_spec(landing_asset(raw), raw.says) for raw in registry().landed]
