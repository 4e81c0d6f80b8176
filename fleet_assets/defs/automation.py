"""The sensor that evaluates automation conditions. Conditions themselves stand in `policies`."""

import dagster as dg

follow = dg.AutomationConditionSensorDefinition(
    "follow_inputs",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Materialises what lies behind changed inputs: late days too.",
)
