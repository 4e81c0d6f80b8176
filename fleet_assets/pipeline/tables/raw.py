"""Raw tables: the landed files of a day, deduplicated, as one partition. Nothing is interpreted here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial

import polars as pl

from fleet_assets.contracts import INGEST_GAPS, RAW_CAN, RAW_TELEMETRY, Table
from fleet_assets.core.raw import deduplicate
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import Noted, Outside, day_table

LANDED = {RAW_CAN.name: "can", RAW_TELEMETRY.name: "telemetry", INGEST_GAPS.name: "gaps"}
"""Which landing source each raw table is made of."""


def landed_files(source: str) -> Outside:
    """Landed files of a day by name and size, and their days. A name stands for its content, and a copy of an
    installation is as current as the original, so times say nothing; the release before named them too."""

    def names(installation: Installation, day: date) -> Iterable[str]:
        return [f"{file.path.name}:{file.size}" for file in installation.landing.files(source, day)]

    def names_and_times(installation: Installation, day: date) -> Iterable[str]:
        files = installation.landing.files(source, day)
        return [f"{file.path.name}:{file.size}:{file.changed_ns}" for file in files]

    return Outside(
        "landed",
        days=lambda installation: installation.landing.days(source),
        facts=names,
        former_facts=names_and_times,
        read=lambda installation, day: installation.landing.read(source, day),
    )


def _each_once(landed: pl.DataFrame, table: Table) -> Noted:
    rows = deduplicate(landed, table)
    return Noted(rows.lazy(), {"landed_rows": landed.height, "duplicate_rows": landed.height - rows.height})


raw_table = partial(day_table, group="raw")


@raw_table(RAW_CAN, outside=landed_files("can"), upstream=["landing_can"])
def raw_can(landed: pl.DataFrame) -> Noted:
    """Frames of one day, each once, in the order of vehicle and time."""
    return _each_once(landed, RAW_CAN)


@raw_table(RAW_TELEMETRY, outside=landed_files("telemetry"), upstream=["landing_telemetry"])
def raw_telemetry(landed: pl.DataFrame) -> Noted:
    """Imported telemetry rows of one day, each once."""
    return _each_once(landed, RAW_TELEMETRY)


@raw_table(INGEST_GAPS, outside=landed_files("gaps"), upstream=["landing_gaps"])
def ingest_gaps(landed: pl.DataFrame) -> Noted:
    """Gaps that began on one day, each once."""
    return _each_once(landed, INGEST_GAPS)
