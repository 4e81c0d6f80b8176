"""Tables for analysts in Python: a name, a span and vehicles in; a polars LazyFrame or a pandas DataFrame out.

    from fleet_assets import read
    read.table("telemetry", "2026-03-02", "2026-03-09", ["van-1"])     # polars, lazy: files of seven days
    read.pandas("trips", "2026-03-02", "2026-03-09")                   # pandas, instants in UTC

Belongs here: the functions a notebook calls. Does not belong here: SQL (`fleet query`), and anything that writes.
"""

from fleet_assets.read.fleet import Fleet
from fleet_assets.read.functions import pandas, table, tables
from fleet_assets.read.span import Bound

__all__ = ["Bound", "Fleet", "pandas", "table", "tables"]
