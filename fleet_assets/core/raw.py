"""Raw rows: each entry exactly once, whatever was landed twice. Does not belong here: any reading of their content."""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts import Table


def deduplicate(landed: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The rows of a day, one per entry_id, the earliest received first; same rows and order for any order of arrival.

    An entry delivered twice has the same vehicle, instant and id, so that duplicates are neighbours after one sort.
    """
    ordered = landed.select(table.schema.names()).sort(*table.order, "received_at")
    repeated = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in ("entry_id", "vehicle_id"))
    return ordered.filter(~repeated.fill_null(value=False))
