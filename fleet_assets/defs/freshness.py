"""Freshness of data: a check of each table that holds rows as they came, and the sensor that looks while nothing lands.

A freshness policy of Dagster sees when an asset was made, so a backfill of an old day looks fresh; here the newest
`recorded_at` counts. Does not belong here: what is stale (`pipeline.freshness`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from fleet_assets.contracts import INGEST_HOURLY, Table
from fleet_assets.pipeline.freshness import NAME, checked_tables, max_age_h, stale_sentence, stale_sentences
from fleet_assets.resources import InstallationResource


def _asset_check(table: Table) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=table.name, name=NAME, automation_condition=None, additional_deps=[INGEST_HOURLY.name],
        description="The newest row of the fleet is as new as usual: no regular hour silent, none older than "
        f"{max_age_h(table):g} h.",
    )  # fmt: skip
    def check(installation: InstallationResource) -> dg.AssetCheckResult:
        sentence = stale_sentence(installation.get(), table, datetime.now(UTC))
        return dg.AssetCheckResult(
            passed=not sentence, severity=dg.AssetCheckSeverity.WARN, description=sentence or "as new as usual"
        )

    return check


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=600,
    description="Looks every ten minutes whether rows still come: a check that runs with its table sees no silence.",
)
def freshness_sensor(installation: InstallationResource) -> dg.SensorResult:
    """Notes the checks' results without a run."""
    stale = stale_sentences(installation.get().at_this_moment(), datetime.now(UTC))
    return dg.SensorResult(asset_events=[*_evaluations(stale)])


def _evaluations(stale: dict[str, str]) -> Iterator[dg.AssetCheckEvaluation]:
    for table in checked_tables():
        yield dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(table.name), check_name=NAME, passed=table.name not in stale,
            severity=dg.AssetCheckSeverity.WARN, description=stale.get(table.name, "as new as usual"), metadata={},
        )  # fmt: skip


def freshness_checks() -> list[dg.AssetChecksDefinition]:
    """A check for each table that holds rows as they came."""
    return [_asset_check(table) for table in checked_tables()]
