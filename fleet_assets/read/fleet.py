"""One installation, read: lake tables straight from their Parquet files, marts from the warehouse.

Belongs here: choosing files, rows and columns by name, span and vehicles. Does not belong here: how a bound is written
(`span`), pandas types (`pandas_types`), SQL of one's own (`fleet query`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from fleet_assets.adapters.lake_views import literal, quoted
from fleet_assets.contracts import INGEST_DAILY, TABLES, VEHICLES, Table
from fleet_assets.contracts.errors import UsageError
from fleet_assets.contracts.table_names import no_such_table
from fleet_assets.installation import Installation
from fleet_assets.read.pandas_types import to_pandas
from fleet_assets.read.span import Bound, Span
from fleet_assets.settings import load_settings
from fleet_assets.wording import or_meant

MART_DAYS = ("local_date", "month", "week", "date", "day")
"""Columns that may say which local days a mart's row is about, the first that is there; a month by its first day."""


class Fleet:
    """The data of one installation: `home` is its folder, by default FLEET_HOME. Raises UsageError for a `home`
    that does not exist: an empty answer would be taken for one."""

    def __init__(self, home: str | Path | None = None) -> None:
        if home is not None and not Path(home).is_dir():
            raise UsageError(f"there is no folder {home}: name that of an installation, as in FLEET_HOME")
        self.installation = Installation(load_settings(**({} if home is None else {"home": Path(home)})))

    def tables(self) -> list[str]:
        """Names that `table` knows: the lake's tables, then the marts that are built."""
        found = self.installation.warehouse.query(
            "select distinct table_name from information_schema.tables "
            "where table_schema in ('main', 'fleet') order by 1"
        )
        return [*TABLES, *(name for name in found["table_name"] if name not in TABLES)]

    def table(
        self, name: str, start: Bound = None, end: Bound = None, vehicles: str | Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """Rows from `start` (inclusive) to `end` (exclusive), of one vehicle, some, or all; a row is that of the table.

        Days are UTC days and bound `recorded_at`; of trips, stops and other events `started_at`; of marts the local
        day or month, which only dates can bound. Lake tables open only the files of the days that can hold such rows.
        Raises UsageError, with close names, for a table or vehicle that does not exist, for a local time without
        offset, a span that holds nothing, and a span or vehicles of a table that has none.
        """
        span = Span.of(start, end)
        wanted = [vehicles] if isinstance(vehicles, str) else None if vehicles is None else list(vehicles)
        if name in TABLES:
            return self._lake_rows(TABLES[name], span, wanted)
        return self._mart_rows(name, span, wanted)

    def pandas(
        self, name: str, start: Bound = None, end: Bound = None, vehicles: str | Sequence[str] | None = None
    ) -> pd.DataFrame:
        """The rows of `table` in pandas: instants aware in UTC, missing numbers NaN, whole numbers nullable."""
        return to_pandas(self.table(name, start, end, vehicles).collect())

    def _lake_rows(self, table: Table, span: Span, vehicles: list[str] | None) -> pl.LazyFrame:
        rows = self.installation.lake.scan(table, self._days(table, span))
        if not span.is_open:
            rows = rows.filter(*_within(pl.col(_instant_of(table)), *span.instants))
        if vehicles is None:
            return rows
        _must_have(table.name, "vehicle_id", table.schema.names())
        self._must_know(vehicles, self.installation.lake.scan(table))
        return rows.filter(pl.col("vehicle_id").is_in(vehicles))

    def _days(self, table: Table, span: Span) -> list[date] | None:
        """The stored days that can hold rows of the span; None for all."""
        if span.is_open:
            return None
        if table.partition_by is None:
            raise UsageError(f"{table.name} has no time to choose by: read it without start and end")
        first, last = span.instants
        # An event lies in the day in which it was final: on the day of its start or up to its reach later.
        spill = timedelta(0) if _instant_of(table) == table.partition_by else table.reach + timedelta(days=1)
        stored = self.installation.lake.days(table)
        return [
            day
            for day in stored
            if (first is None or day >= first.date())
            and (last is None or day <= (last + spill - timedelta(microseconds=1)).date())
        ]

    def _mart_rows(self, name: str, span: Span, vehicles: list[str] | None) -> pl.LazyFrame:
        columns = self._mart_columns(name)
        conditions: list[str] = []
        if not span.is_open:
            about = next((column for column in MART_DAYS if column in columns), None)
            if about is None:
                raise UsageError(f"{name} has no local day to choose by: read it without start and end")
            first, last = span.days(name)
            conditions += [f"{quoted(about)} >= date '{first}'"] if first else []
            conditions += [f"{quoted(about)} < date '{last}'"] if last else []
        if vehicles is not None:
            _must_have(name, "vehicle_id", columns)
            self._must_know(vehicles, self._mart_vehicles(name))
            conditions.append(f"vehicle_id in ({', '.join(map(literal, vehicles))})" if vehicles else "1 = 0")
        where = f" where {' and '.join(conditions)}" if conditions else ""
        return self.installation.warehouse.query(f"select * from {quoted(name)}{where}").lazy()

    def _mart_columns(self, name: str) -> list[str]:
        known = self.tables()
        if name not in known:
            raise UsageError(no_such_table(name, known))
        return self.installation.warehouse.query(f"select * from {quoted(name)} where 1 = 0").columns

    def _mart_vehicles(self, name: str) -> pl.LazyFrame:
        return self.installation.warehouse.query(f"select distinct vehicle_id from {quoted(name)}").lazy()

    def _must_know(self, vehicles: list[str], rows: pl.LazyFrame) -> None:
        """A vehicle is known by the reference table, by any row of the table that is read, or by having been heard."""
        declared = self.installation.lake.scan(VEHICLES).select("vehicle_id").collect().to_series().to_list()
        if set(vehicles) <= set(declared):
            return
        seen = rows.select(pl.col("vehicle_id").unique()).collect(engine="streaming").to_series().to_list()
        heard = self.installation.lake.scan(INGEST_DAILY).select(pl.col("vehicle_id").unique()).collect()
        known = sorted({*declared, *seen, *heard["vehicle_id"].drop_nulls()})
        for vehicle in vehicles:
            if vehicle not in known:
                raise UsageError(f"there is no vehicle {vehicle!r}{_alike(vehicle, known)}")


def _instant_of(table: Table) -> str:
    """The column a span bounds: when it was observed; of events their start, which is what people ask for."""
    is_event = table.partition_by == "closed_at" and "started_at" in table.schema
    return "started_at" if is_event else str(table.partition_by)


def _within(column: pl.Expr, first: Any, last: Any) -> list[pl.Expr]:
    return [*([column >= first] if first is not None else []), *([column < last] if last is not None else [])]


def _must_have(table: str, column: str, columns: Sequence[str]) -> None:
    if column not in columns:
        raise UsageError(f"{table} has no {column}: read it without vehicles")


def _alike(name: str, known: Sequence[str]) -> str:
    """What may have been meant, or all there is."""
    return or_meant(name, known) or f"; there are: {', '.join(known) or 'none'}"
