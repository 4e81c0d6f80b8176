"""Raw rows: each entry exactly once, whatever was landed twice. Does not belong here: any reading of their content."""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts import Table

_KNOWN_SINCE = ("received_at", "noted_at")
"""When we came to know of a row: whichever of these the table has."""


def deduplicate(landed: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The rows of a day, one per key, the earliest known first; same rows and order for any order of arrival.

    A row delivered twice has the same vehicle, instant and key, so that duplicates are neighbours after one sort.
    """
    known = [name for name in _KNOWN_SINCE if name in table.schema]
    ordered = landed.select(table.schema.names()).sort(*table.order, *known)
    same = (pl.col(name).eq_missing(pl.col(name).shift(1)) for name in (*table.key, "vehicle_id"))
    return ordered.filter(~pl.all_horizontal(same))
