"""Asset checks: every rule for stored days as a check of its table.

Does not belong here: the rules (`pipeline.day_rules`).
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from fleet_assets.defs.partitions import day_partitions, selected_days
from fleet_assets.pipeline.day_rules import DayRule, day_rules, judge
from fleet_assets.resources import InstallationResource
from fleet_assets.wording import counted

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
        rows = sum(record.row_count for day in days if (record := here.lake.record(rule.table, day)))
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR if rule.is_error else dg.AssetCheckSeverity.WARN,
            description=f"{_looked_at(rule, days, rows)}; {_found(len(lines), len(found))}.",
            metadata={
                "findings": dg.MetadataValue.md("\n".join(lines[:SHOWN]) or "none"),
                "days looked at": len(days),
                "rows looked at": rows,
            },
        )

    return check


def _looked_at(rule: DayRule, days: Sequence[date], rows: int) -> str:
    """What a check is about, which partitions it went through, and how many rows."""
    span = " to ".join(dict.fromkeys(map(str, (days[0], days[-1])))) if days else "no stored day"
    looked_at = f"{counted(rows, 'row')} of {rule.table.name}, {counted(len(days), 'day')} ({span})"
    return f"{rule.description} Looked at {looked_at}"


def _found(findings: int, days: int) -> str:
    """Of all stored days."""
    if not findings:
        return "nothing found on any stored day"
    return f"{counted(findings, 'finding')} on {counted(days, 'stored day')}"


def day_checks() -> list[dg.AssetChecksDefinition]:
    """A check for each rule."""
    return [_asset_check(rule) for rule in day_rules()]
