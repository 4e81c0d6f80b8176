"""Reference rows that a day reads: the columns it uses, of the vehicles it holds, as they were valid then.

Belongs here: what names the rows of such an input for one day. Does not belong here: its declaration
(`contracts.source`), reading CSV files (`adapters.reference`), what makes their rows valid (`core.reference`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache

import polars as pl

from fleet_assets.adapters.held_vehicles import held_vehicles
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import Rows, Table

PENDING = "pending"
"""Stands for the content of a table whose new rows are not stored yet."""

RowsByVehicle = dict[str, list[list[str | None]]]

VALID_FROM = "valid_from"
"""Column of reference rows that are valid for a span."""

_VEHICLE, _TO = "vehicle_id", "valid_to"


class ReferenceRows:
    """The reference tables of a lake as days read them. `pending` are rows that are about to be stored in the place of
    those that are there."""

    def __init__(self, lake: Lake, pending: Mapping[str, pl.DataFrame] | None = None) -> None:
        self._lake = lake
        self._pending = pending or {}
        self._by_vehicle: dict[tuple[Rows, str], RowsByVehicle] = {}

    def content(self, table: Table) -> str:
        """Names what is stored of a table; empty where nothing is; `pending` where other rows are about to be."""
        if table.name in self._pending:
            return PENDING
        record = self._lake.record(table, None)
        return record.content if record else ""

    def digest(self, read: Rows, partitions: Iterable[tuple[Table, date]], since: datetime, until: datetime) -> str:
        """Names the rows that a day with these data partitions reads; those valid at some instant of [since, until)."""
        rows = self._rows(read, self.content(read.table))
        vehicles = held_vehicles(self._lake).of(partitions) if _VEHICLE in read.columns else sorted(rows)
        found = [row for vehicle in vehicles for row in rows.get(vehicle, ()) if _is_valid(read, row, since, until)]
        return hashlib.sha256(json.dumps(found).encode()).hexdigest() if found else ""

    def digests(self, read: Rows, tables: Iterable[Table]) -> dict[str, str]:
        """Per vehicle that these tables have rows of what names its own; for reference tables of one row a vehicle."""
        rows = self._rows(read, self.content(read.table))
        vehicles = held_vehicles(self._lake).of_tables(tables)
        return {one: hashlib.sha256(json.dumps(rows[one]).encode()).hexdigest()[:16] for one in vehicles if one in rows}

    def _rows(self, read: Rows, content: str) -> RowsByVehicle:
        if (read, content) not in self._by_vehicle:
            pending = self._pending.get(read.table.name)
            # A table without record is damaged, or was never stored: it is made anew before any day reads it.
            stored = self._lake.scan(read.table) if content else read.table.empty().lazy()
            self._by_vehicle[read, content] = _by_vehicle(read, stored if pending is None else pending.lazy())
        return self._by_vehicle[read, content]


@lru_cache(maxsize=8)
def stored_reference(lake: Lake) -> ReferenceRows:
    """The stored reference tables of a lake, each read once for each content."""
    return ReferenceRows(lake)


def _by_vehicle(read: Rows, rows: pl.LazyFrame) -> RowsByVehicle:
    """The rows by vehicle, or all under one name, as texts in one order."""
    frame = read.of(rows).sort(read.columns).collect()
    named = frame[_VEHICLE].to_list() if _VEHICLE in read.columns else [""] * frame.height
    instants = [pl.col(pl.Datetime("us", "UTC")).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")]
    texts = frame.with_columns(instants).select(pl.all().cast(pl.String))
    found: RowsByVehicle = {}
    for vehicle, row in zip(named, texts.rows(), strict=True):
        found.setdefault(vehicle, []).append([*row])
    return found


def _is_valid(read: Rows, row: list[str | None], since: datetime, until: datetime) -> bool:
    """Whether a row was valid in the span; instants compare as text of one form."""
    if VALID_FROM not in read.columns:
        return True
    began, ended = row[read.columns.index(VALID_FROM)], row[read.columns.index(_TO)]
    first, last = (instant.strftime("%Y-%m-%dT%H:%M:%S.%f") for instant in (since, until))
    return (began is None or began < last) and (ended is None or ended > first)
