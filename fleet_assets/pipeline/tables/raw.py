"""Raw tables: the landed files of a day, deduplicated, as one partition. Nothing is interpreted here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from fleet_assets.contracts import RawTable, Registry, Table
from fleet_assets.core.raw import deduplicate
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DayTable, Noted, Outside, day_table


def landing_asset(raw: RawTable) -> str:
    """The asset that stands for what has landed in a folder."""
    return f"landing_{raw.folder}"


def landed_files(folder: str) -> Outside:
    """Landed files of a day by name and size, and their days. A name stands for its content, and a copy of an
    installation is as current as the original, so times say nothing; the release before named them too."""

    def names(installation: Installation, day: date) -> Iterable[str]:
        return [f"{file.path.name}:{file.size}" for file in installation.landing.files(folder, day)]

    def names_and_times(installation: Installation, day: date) -> Iterable[str]:
        files = installation.landing.files(folder, day)
        return [f"{file.path.name}:{file.size}:{file.changed_ns}" for file in files]

    return Outside(
        "landed",
        days=lambda installation: installation.landing.days(folder),
        facts=names,
        former_facts=names_and_times,
        read=lambda installation, day: installation.landing.read(folder, day),
    )


def each_once(landed: pl.DataFrame, table: Table) -> Noted:
    """The rows that landed for one day, each once, in the order of the table."""
    rows = deduplicate(landed, table)
    return Noted(rows.lazy(), {"landed_rows": landed.height, "duplicate_rows": landed.height - rows.height})


def raw_tables(sources: Registry) -> list[DayTable]:
    """The raw table of every source, and the ledger of gaps."""
    return [
        day_table(raw.table, group="raw", outside=landed_files(raw.folder), upstream=[landing_asset(raw)])(each_once)
        for raw in sources.landed
    ]
