"""Everything that Dagster knows: assets, checks, sensors, automation. Logic lives in the layers below."""
