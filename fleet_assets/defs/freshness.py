"""Freshness of data: a check of each table that holds rows as they came, and the sensor that looks while nothing lands.

A freshness policy of Dagster sees when an asset was made, so a backfill of an old day looks fresh; here the newest
`recorded_at` counts. Does not belong here: what is stale (`core.freshness`).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl

from fleet_assets.contracts import INGEST_HOURLY, RAW_CAN, RAW_TELEMETRY, TELEMETRY, Table
from fleet_assets.contracts.ingest import REGULAR_LOOK_BACK
from fleet_assets.core.freshness import Silence, find_silence
from fleet_assets.core.ingest import hourly_ingest
from fleet_assets.defs.raw import LANDED
from fleet_assets.places import Places
from fleet_assets.resources import PlacesResource

NAME = "freshness"
CHECKED = (RAW_CAN, RAW_TELEMETRY, TELEMETRY)
SHOWN_VEHICLES = 10


def stale_sentences(places: Places, now: datetime) -> dict[str, str]:
    """The tables whose newest rows are older than they should be, with a sentence each; looks and changes nothing."""
    found = {table.name: _sentence(places, table, now) for table in CHECKED}
    return {name: sentence for name, sentence in found.items() if sentence}


def _sentence(places: Places, table: Table, now: datetime) -> str:
    silence = find_silence(_hours(places, table, now), now)
    return _words(table, silence, now) if silence else ""


def _hours(places: Places, table: Table, now: datetime) -> pl.DataFrame:
    """INGEST_HOURLY rows up to the table's newest day: of a raw table far enough back to know what is usual."""
    newest = _newest_day(places, table)
    if newest is None:
        return INGEST_HOURLY.empty()
    # Of telemetry the newest day says how old it is; what is usual, its raw tables say.
    of_newest = hourly_ingest(places.lake.scan(table, [newest]), LANDED.get(table.name, table.name))
    if table.name not in LANDED:
        return of_newest.collect()
    first = newest - REGULAR_LOOK_BACK
    near = [day for day in places.lake.days(INGEST_HOURLY) if first <= day <= now.date() + timedelta(days=1)]
    hours = places.lake.scan(INGEST_HOURLY, near).filter(pl.col("source") == LANDED[table.name]).collect()
    # Of a day whose hours were not counted yet the rows themselves are asked.
    is_counted = newest in hours["hour_at"].dt.date()
    return hours if is_counted else pl.concat([hours, of_newest.collect()])


def _newest_day(places: Places, table: Table) -> date | None:
    """The last stored day that has rows."""
    for day in reversed(places.lake.days(table)):
        record = places.lake.record(table, day)
        if record is not None and record.row_count:
            return day
    return None


def _words(table: Table, silence: Silence, now: datetime) -> str:
    age_h = (now - silence.last_seen_at).total_seconds() / 3600
    age = f"{age_h:.0f} h" if age_h < 48 else f"{age_h / 24:,.0f} days"
    usual = f", over {silence.regular_hours} hours at which rows usually come" if silence.regular_hours else ""
    names = ", ".join(silence.vehicles[:SHOWN_VEHICLES])
    more = f" and {len(silence.vehicles) - SHOWN_VEHICLES} more" if len(silence.vehicles) > SHOWN_VEHICLES else ""
    source = f" from source {LANDED[table.name]}" if table.name in LANDED else ""
    since = f"{silence.last_seen_at:%Y-%m-%d %H:%M} UTC"
    return f"no row of any vehicle{source} since {since}, {age} ago{usual}; silent: {names}{more}"


def _asset_check(table: Table) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=table.name, name=NAME, automation_condition=None, additional_deps=[INGEST_HOURLY.name],
        description="The newest row of the fleet is as new as usual: no regular hour silent, none older than 72 h.",
    )  # fmt: skip
    def check(places: PlacesResource) -> dg.AssetCheckResult:
        sentence = _sentence(places.get(), table, datetime.now(UTC))
        return dg.AssetCheckResult(
            passed=not sentence, severity=dg.AssetCheckSeverity.WARN, description=sentence or "as new as usual"
        )

    return check


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=600,
    description="Looks every ten minutes whether rows still come: a check that runs with its table sees no silence.",
)
def freshness_sensor(places: PlacesResource) -> dg.SensorResult:
    """Notes the checks' results without a run."""
    stale = stale_sentences(places.get(), datetime.now(UTC))
    return dg.SensorResult(asset_events=[*_evaluations(stale)])


def _evaluations(stale: dict[str, str]) -> Iterator[dg.AssetCheckEvaluation]:
    for table in CHECKED:
        yield dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(table.name), check_name=NAME, passed=table.name not in stale,
            severity=dg.AssetCheckSeverity.WARN, description=stale.get(table.name, "as new as usual"), metadata={},
        )  # fmt: skip


@dg.definitions
def freshness() -> dg.Definitions:
    """The checks and their sensor."""
    return dg.Definitions(asset_checks=[_asset_check(table) for table in CHECKED], sensors=[freshness_sensor])
