"""The code location: assets, checks, sensors and schedules of one installation, assembled in one function.

Nothing is read while this module loads: Dagster calls `defs`.
"""

from typing import Any

import dagster as dg

from fleet_assets.defs.alarm_sensor import alarm_sensor
from fleet_assets.defs.automation import follow
from fleet_assets.defs.catch_up import catch_up
from fleet_assets.defs.checks import day_checks
from fleet_assets.defs.day_assets import day_assets, landing_assets
from fleet_assets.defs.freshness import freshness_checks, freshness_sensor
from fleet_assets.defs.jobs import jobs_by_hand
from fleet_assets.defs.mart_sensor import mart_sensor
from fleet_assets.defs.marts import dbt_command, mart_assets
from fleet_assets.defs.reference import reference_assets
from fleet_assets.defs.retention_schedule import landing_retention, landing_retention_job
from fleet_assets.defs.sensors import landing_sensor, reference_sensor, run_failed
from fleet_assets.defs.theft_model import (
    model_assets,
    theft_drift_sensor,
    theft_model_sensor,
    training_job,
    weekly_training,
)
from fleet_assets.defs.warehouse_load import warehouse_load
from fleet_assets.installation import Installation
from fleet_assets.resources import InstallationResource, LakeIOManager


def build_defs(installation: Installation, **resources: Any) -> dg.Definitions:
    """Everything Dagster knows of an installation; `resources` replace or join those of the project.

    A run is one process: its steps share two cores and a warm interpreter.
    """
    own = InstallationResource()
    loading = [warehouse_load()] if installation.settings.is_on_postgres else []
    return dg.Definitions(
        assets=[
            *landing_assets(),
            *reference_assets(),
            *day_assets(),
            *model_assets(),
            *loading,
            mart_assets(installation),
        ],
        asset_checks=[*day_checks(), *freshness_checks()],
        sensors=[
            alarm_sensor,
            follow,
            freshness_sensor,
            landing_sensor,
            mart_sensor(installation),
            reference_sensor,
            catch_up,
            run_failed,
            theft_drift_sensor,
            theft_model_sensor,
        ],
        jobs=[*jobs_by_hand(installation), landing_retention_job, training_job],
        schedules=[landing_retention, weekly_training],
        resources={"installation": own, "lake_io": LakeIOManager(installation=own), "dbt": dbt_command(), **resources},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The installation that the environment names."""
    return build_defs(Installation.from_environment())
