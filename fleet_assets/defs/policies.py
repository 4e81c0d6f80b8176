"""Policy that holds for many assets, stated once: owners, kinds, metadata, and how automation follows inputs.

Does not belong here: anything about one particular table.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster import AutomationCondition as When

from fleet_assets.contracts import MODEL_TABLES, Table

PAGES = {
    "trips": "docs/trips.md", "stops": "docs/trips.md", "standing_periods": "docs/trips.md",
    "charging_periods": "docs/charging.md", "power_sessions": "docs/charging.md",
    "charging_sessions": "docs/charging.md", "charging_hours": "docs/charging.md", "fuel_plateaus": "docs/fuel.md",
    "fuel_balance": "docs/fuel.md", "fuel_events": "docs/fuel.md", "hourly_use": "docs/use.md",
    "engine_starts": "docs/use.md", "soc_transitions": "docs/use.md", "ingest": "docs/operations.md",
    "raw": "docs/architecture.md", "theft_candidates": "docs/theft.md", "insights": "docs/theft.md",
    "alarms": "docs/theft_alarms.md", "theft_reviews": "docs/theft_alarms.md",
}  # fmt: skip
"""The page that says by which rules a table, or the tables of a group, are made."""

OWNERS = ["team:fleet-data"]
REFERENCE_GROUP = "reference"
INSIGHTS_GROUP = "insights"
_TYPE_NAMES = {
    "str": "string", "f64": "double", "i64": "bigint", "u8": "utinyint", "u32": "uinteger", "ts": "timestamptz",
}  # fmt: skip


def common(table: Table, group: str) -> dict[str, Any]:
    """Group, owners, kinds and the declared columns of a table, as every asset carries them."""
    return {
        "group_name": group,
        "owners": OWNERS,
        "kinds": {"polars", "parquet"},
        "tags": {"layer": group},
        "metadata": {
            "dagster/column_schema": column_schema(table),
            "key": ", ".join(table.key),
            "partition": f"UTC day of {table.partition_by}" if table.partition_by else "none",
            "docs": _docs(table.name, group),
        },
    }


def _docs(name: str, group: str) -> str:
    """The pages about a table: its rules, where there is one, and its columns."""
    page = PAGES.get(name) or PAGES.get(group)
    return f"{page}, docs/tables.md#{name}" if page else f"docs/tables.md#{name}"


def column_schema(table: Table) -> dg.TableSchema:
    """The contract's columns with type, unit and meaning, for the UI."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                _TYPE_NAMES.get(column.kind, column.kind),
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=not column.required),
            )
            for column in table.columns
        ]
    )


def follow_inputs() -> dg.AutomationCondition:
    """Materialise a day when one of its inputs changed, however old the day is.

    - A changed data version (the hash of a partition's bytes) of a data input: late rows of an old day follow at once,
      and a day that was computed again to the same bytes moves nothing. (Not `eager()`: it looks only at the latest day
      and waits for every day of the look-back to exist, so a first or a late day would never run.)
    - Reference tables and a model count only for days that exist: the twenty-five empty years before a fleet's first
      day must stay empty.
    - `missing` with an input present: today's partition appears at midnight, after its look-back was written, and
      closes the trips of vehicles that fell silent just before. `newly_true` keeps a failing day from being asked
      for again and again.
    """
    reference = dg.AssetSelection.groups(REFERENCE_GROUP) | dg.AssetSelection.assets(*MODEL_TABLES)
    data_changed = When.any_deps_match(When.data_version_changed()).ignore(reference)
    reference_changed = When.any_deps_match(When.data_version_changed()).allow(reference) & ~When.missing()
    newly_possible = (When.missing() & When.any_deps_match(~When.missing()).ignore(reference)).newly_true()
    wanted: Any = data_changed | reference_changed | newly_possible
    wanted = wanted.since_last_handled()
    return (wanted & ~When.any_deps_in_progress() & ~When.in_progress()).with_label("follow_inputs")


def follow_any_day() -> dg.AutomationCondition:
    """Make a table without days when the content of any day of an input, or of an input without days, changed.

    `any_deps_in_progress` waits for a running backfill of inputs to end, so that fifty days cause one run, not fifty.
    """
    changed = When.any_deps_match(When.data_version_changed())
    wanted = (changed | When.missing().newly_true()).since_last_handled()
    return (wanted & ~When.any_deps_in_progress() & ~When.in_progress()).with_label("follow_any_day")
