"""Raw assets: the landed files of a day, deduplicated, as one partition. Nothing is interpreted here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TypedDict

import dagster as dg
import polars as pl

from fleet_assets.contracts import INGEST_GAPS, RAW_CAN, RAW_TELEMETRY, Table
from fleet_assets.core.raw import deduplicate
from fleet_assets.defs import policies
from fleet_assets.defs.day_assets import Day, Noted, OutsideDays, Sources, day_asset
from fleet_assets.defs.partitions import DAYS
from fleet_assets.places import Places

LANDED = {RAW_CAN.name: "can", RAW_TELEMETRY.name: "telemetry", INGEST_GAPS.name: "gaps"}
"""Which landing source each raw table is made of."""

landing_can = dg.AssetSpec(
    "landing_can", description="CAN frames as the collector and the imports landed them.",
    group_name="landing", kinds={"parquet"}, owners=policies.OWNERS, partitions_def=DAYS,
)  # fmt: skip
landing_telemetry = dg.AssetSpec(
    "landing_telemetry", description="Rows of imported telemetry files as they were landed.",
    group_name="landing", kinds={"parquet"}, owners=policies.OWNERS, partitions_def=DAYS,
)  # fmt: skip

landing_gaps = dg.AssetSpec(
    "landing_gaps", description="Gaps as the collector noted them.",
    group_name="landing", kinds={"parquet"}, owners=policies.OWNERS, partitions_def=DAYS,
)  # fmt: skip


class Landed(TypedDict):
    """How a raw table is made of what lies outside the lake."""

    sources: Sources
    earlier_sources: Sources
    outside: OutsideDays


def landed(source: str) -> Landed:
    """Landed files of a day by name and size, and their days. A name stands for its content, and a copy of an
    installation is as current as the original, so times say nothing; records of earlier versions named them too."""

    def names(places: Places, day: date) -> Iterable[str]:
        return [f"{file.path.name}:{file.size}" for file in places.landing.files(source, day)]

    def names_and_times(places: Places, day: date) -> Iterable[str]:
        files = places.landing.files(source, day)
        return [f"{file.path.name}:{file.size}:{file.changed_ns}" for file in files]

    return {
        "sources": names,
        "earlier_sources": names_and_times,
        "outside": lambda places: places.landing.days(source),
    }


def _landed(day: Day, table: Table) -> Noted:
    source = LANDED[table.name]
    landed = day.places.landing.read(source, day.date)
    rows = deduplicate(landed, table)
    notes = {"landed_rows": landed.height, "duplicate_rows": landed.height - rows.height}
    return Noted(rows.lazy(), notes)


@day_asset(RAW_CAN, reads=(), group="raw", upstream=["landing_can"], **landed("can"))
def raw_can(day: Day) -> Noted:
    """Frames of one day, each once, in the order of vehicle and time."""
    return _landed(day, RAW_CAN)


@day_asset(RAW_TELEMETRY, reads=(), group="raw", upstream=["landing_telemetry"], **landed("telemetry"))
def raw_telemetry(day: Day) -> Noted:
    """Imported telemetry rows of one day, each once."""
    return _landed(day, RAW_TELEMETRY)


@day_asset(INGEST_GAPS, reads=(), group="raw", upstream=["landing_gaps"], **landed("gaps"))
def ingest_gaps(day: Day) -> Noted:
    """Gaps that began on one day, each once."""
    return _landed(day, INGEST_GAPS)


def rows_of_day(frame: pl.LazyFrame, day: Day) -> pl.LazyFrame:
    """Only the rows whose instant lies in the day itself, not those of the look-back."""
    return frame.filter(pl.col("recorded_at") >= day.window.day_start)
