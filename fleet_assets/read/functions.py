"""The functions of a notebook: one call, one table, of the installation at `home` or FLEET_HOME.

Belongs here: shorthands of `Fleet`. Does not belong here: anything they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import polars as pl

from fleet_assets.read.fleet import Fleet
from fleet_assets.read.span import Bound


def table(
    name: str,
    start: Bound = None,
    end: Bound = None,
    vehicles: str | Sequence[str] | None = None,
    home: str | Path | None = None,
) -> pl.LazyFrame:
    """Rows of a lake table or mart as `Fleet.table` gives them; `home` is FLEET_HOME of the environment by default."""
    return Fleet(home).table(name, start, end, vehicles)


def pandas(
    name: str,
    start: Bound = None,
    end: Bound = None,
    vehicles: str | Sequence[str] | None = None,
    home: str | Path | None = None,
) -> pd.DataFrame:
    """The rows of `table` in pandas, with the types of `Fleet.pandas`."""
    return Fleet(home).pandas(name, start, end, vehicles)


def tables(home: str | Path | None = None) -> list[str]:
    """Names that `table` knows: the lake's tables, then the marts that are built."""
    return Fleet(home).tables()
