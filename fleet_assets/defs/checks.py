"""Asset checks: every rule for stored days as a check of its table.

Does not belong here: the rules (`pipeline.day_rules`).
"""

import dagster as dg

from fleet_assets.defs.partitions import day_partitions, selected_days
from fleet_assets.pipeline.day_rules import DayRule, day_rules, judge
from fleet_assets.resources import InstallationResource

SHOWN = 20


def _asset_check(rule: DayRule) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=rule.table.name, name=rule.name, description=rule.description, partitions_def=day_partitions(),
        automation_condition=None,
    )  # fmt: skip
    def check(context: dg.AssetCheckExecutionContext, installation: InstallationResource) -> dg.AssetCheckResult:
        here = installation.get()
        days = judge(here, rule, selected_days(context))
        # Of all stored days: a run over other days must not hide what was found before.
        found = [*here.check_results.of(rule.table, rule.name)]
        lines = [f"- {one.day}: {sentence}" for one in found for sentence in one.sentences]
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR if rule.is_error else dg.AssetCheckSeverity.WARN,
            description=f"{len(days)} days looked at; {len(lines)} findings on {len(found)} of the stored days",
            metadata={"findings": dg.MetadataValue.md("\n".join(lines[:SHOWN]) or "none")},
        )

    return check


def day_checks() -> list[dg.AssetChecksDefinition]:
    """A check for each rule."""
    return [_asset_check(rule) for rule in day_rules()]
