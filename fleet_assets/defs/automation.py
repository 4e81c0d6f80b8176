"""The sensor that evaluates automation conditions. Conditions themselves stand in `policies`."""

import dagster as dg

from fleet_assets.defs.day_assets import ONLY_STALE_TAG

follow = dg.AutomationConditionSensorDefinition(
    "follow_inputs",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    # A day may be asked for because of a neighbour whose change it does not read: then it is kept.
    run_tags={ONLY_STALE_TAG: "true"},
    description="Materialises what lies behind changed inputs: late days too.",
)
