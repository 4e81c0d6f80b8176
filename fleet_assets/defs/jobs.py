"""Jobs that a person starts in the UI: a day made anew, the marts, everything of one vehicle.

Belongs here: jobs by hand. Does not belong here: what follows by itself (`sensors`, `catch_up`, `automation`), and
which days a vehicle's rows are on (`pipeline.reprocessing`).
"""

from typing import Any

import dagster as dg

from fleet_assets.defs.partitions import day_partitions
from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_models import mart_project
from fleet_assets.pipeline.plan import followed_tables
from fleet_assets.pipeline.reprocessing import owe_vehicle
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.resources import InstallationResource
from fleet_assets.wording import counted


class OneVehicle(dg.Config):
    """Whose rows are computed again."""

    vehicle_id: str


@dg.op(description="Has every stored day with rows of the vehicle count as stale; the sensor catch_up asks for it.")
def owe_days_of_vehicle(context: dg.OpExecutionContext, config: OneVehicle, installation: InstallationResource) -> None:
    """Says in the run's log how many days of which tables."""
    owed = owe_vehicle(installation.get(), config.vehicle_id)
    for table, days in owed.items():
        context.log.info(f"{table}: {counted(len(days), 'day')} with rows of it, {days[0]} to {days[-1]}")
    context.log.info("The sensor catch_up asks for them within a minute or two; `fleet build` does so at once.")


@dg.job(description="Computes every day with rows of one vehicle anew, in all tables: give its vehicle_id as config.")
def reprocess_a_vehicle() -> None:
    """One step."""
    owe_days_of_vehicle()


def jobs_by_hand(installation: Installation) -> list[Any]:
    """What a person may start."""
    tables = [name for name in DAY_TABLES if name in followed_tables()]
    return [
        dg.define_asset_job(
            "rebuild_a_day", dg.AssetSelection.assets(*tables), partitions_def=day_partitions(),
            description="Computes one day, or a range of days, of every table anew, stale or not.",
        ),
        dg.define_asset_job(
            "refresh_marts", dg.AssetSelection.assets(*sorted(mart_project(installation).upstream)),
            description="Builds, tests and publishes all marts and views.",
        ),
        reprocess_a_vehicle,
    ]  # fmt: skip
