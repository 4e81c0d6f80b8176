"""CAN frames to telemetry: decoded, mapped, one sender per quantity, reduced to the grid.

Belongs here: the choice of the sender and the shape of the result. Does not belong here: decoding (`core.can`), the
grid's arithmetic (`core.grid`), cleaning (`core.cleaning`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from fleet_assets.contracts import CAN_SOURCE, TELEMETRY
from fleet_assets.core.can import Bindings, DecodeCounts, Decoded, decode
from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.grid import Grid, Reduction, latest_in_cells, make_grid, reduce_to_cells
from fleet_assets.sources.declared import declared_bindings, declared_signal_map, readable_databases
from fleet_assets.sources.readings import Reading, Readings
from fleet_assets.sources.reduced import Reduced
from fleet_assets.sources.signal_map import POSITION, SignalMap
from fleet_assets.sources.unread import Unread, unread_vehicles

GRAVITY = "the axis carries gravity"

_ACCELERATIONS = ("acceleration_ms2", "lateral_acceleration_ms2")

_MEDIANS = (
    "coolant_temp_c", "oil_temp_c", "oil_pressure_kpa", "intake_air_temp_c", "ambient_temp_c", "fuel_level_pct",
    "fuel_level_2_pct", "fuel_level_l",
    "def_level_pct", "soc_pct", "hv_voltage_v", "hv_battery_temp_c", "charger_voltage_v", "supply_voltage_v",
)  # fmt: skip
_MEANS = ("fuel_rate_lph", "hv_power_kw", "hv_current_a", "charger_power_kw")

REDUCTIONS: dict[str, Reduction] = {
    **dict.fromkeys(_MEDIANS, Reduction.MEDIAN),
    **dict.fromkeys(_MEANS, Reduction.MEAN),
    **dict.fromkeys(_ACCELERATIONS, Reduction.LARGEST),
}
"""Rule per column; all others: the last valid value."""


@dataclass(frozen=True)
class CanRules:
    """What decides between senders, and when a sensor does not measure what its name says."""

    least_share: float = 0.1
    """Share (of the cells with a value) of the best-filled candidate that a preferred one must have to be taken: a
    sender that gives one value a day does not silence one that gives them all."""
    gravity_ms2: float = 7.0
    """m/s2; an axis whose median magnitude is above carries gravity (it leans by more than 45 degrees: 9.81 x sin 45 =
    6.94), so that the device is not mounted as the map assumes. No road vehicle accelerates so half of the time."""


@dataclass(frozen=True)
class CanCounts(DecodeCounts):
    """What became of every frame, and the rows that came out."""

    rows: int = 0


@dataclass(frozen=True)
class CanTelemetry:
    """`frame`: TELEMETRY rows, sorted, source `can`; `nulled`: column, reason, count of values that are none;
    `counts`: what became of every frame; its `problems` name bindings and map entries that could not be used;
    `unread`: vehicles whose frames gave no row."""

    frame: pl.DataFrame
    nulled: pl.DataFrame
    counts: CanCounts
    unread: tuple[Unread, ...] = ()


def reduce_frames(
    raw_can: pl.LazyFrame, dbc_files: pl.LazyFrame, dbc_bindings: pl.LazyFrame, vehicles: pl.LazyFrame,
    signal_maps: pl.LazyFrame, grid_seconds: int,
) -> Reduced:  # fmt: skip
    """Signals decoded, mapped, converted, reduced to the grid; what became of the frames as notes."""
    bindings = declared_bindings(dbc_bindings, vehicles, dbc_files)
    found = telemetry_from_can(raw_can.collect(), bindings, declared_signal_map(signal_maps), grid_seconds)
    notes = {"bus": asdict(found.counts), "unread": _unread(dbc_files, found.unread)}
    return Reduced(found.frame.lazy(), found.nulled.to_dicts(), notes)


def _unread(dbc_files: pl.LazyFrame, unread: Sequence[Unread]) -> list[dict[str, Any]]:
    """Vehicles whose frames gave nothing, with the DBC files that know their identifiers."""
    databases = readable_databases(dbc_files) if unread else {}
    return [vehicle.note(databases) for vehicle in unread]


def telemetry_from_can(
    frames: pl.DataFrame, bindings: Bindings, signal_map: SignalMap, grid_seconds: int, rules: CanRules | None = None
) -> CanTelemetry:
    """One row per vehicle and grid cell (0: every instant) in which a mapped signal had a value.

    `frames`: RAW_CAN rows in any order. Where several signals, senders or buses give one column, one is taken per
    vehicle for all of these frames: the first by the map's order, then by its source addresses, then by the lowest
    source address and the name of the bus, so that two odometers are never mixed. The order decides strictly unless the
    preferred one has next to no values (`CanRules.least_share`). Limit: the choice sees these frames only. Where they
    are a day and the preferred one is missing on that day, another is taken for that day, and a counter may jump at the
    midnight between.
    """
    decoded = decode(frames, bindings)
    readings = Readings(decoded, signal_map)
    cells = _Cells(decoded, grid_seconds, rules or CanRules())
    for column, candidates in readings.by_column.items():
        if column not in POSITION:
            cells.fill(column, candidates)
    cells.fill_position(*(readings.by_column.get(column, []) for column in POSITION))
    nulled = readings.nulled | cells.drop_gravity()
    frame = cells.frame()
    problems = tuple(sorted({*decoded.counts.problems, *readings.problems}))
    counts = CanCounts(**{**vars(decoded.counts), "problems": problems}, rows=frame.height)
    return CanTelemetry(frame, _nulled_frame(nulled), counts, unread_vehicles(decoded, frame))


class _Cells:
    """Columns over the grid's cells as they are filled."""

    def __init__(self, decoded: Decoded, grid_seconds: int, rules: CanRules) -> None:
        self.frames, self.rules = decoded.frames, rules
        self.vehicle = decoded.frames["vehicle_id"].rle_id().to_numpy().astype(np.int64)
        at = decoded.frames["recorded_at"].to_physical().to_numpy()
        self.received = decoded.frames["received_at"].to_physical().to_numpy()
        self.grid: Grid = make_grid(self.vehicle, at, grid_seconds)
        self.cell_vehicle: I64 = self.vehicle[self.grid.firsts]
        self.columns: dict[str, F64] = {}
        self.received_at = np.full(self.grid.size, np.iinfo(np.int64).min)

    def fill(self, column: str, candidates: list[Reading]) -> None:
        """Reduce the chosen candidate of each vehicle to the cells."""
        reduced = [self._reduced(column, reading) for reading in candidates]
        self._take(column, candidates, reduced, self._choice(reduced))

    def fill_position(self, latitudes: list[Reading], longitudes: list[Reading]) -> None:
        """Both halves from the candidate that is chosen by the first: they have the same rows and are null together."""
        if not latitudes:
            return
        halves = [[self._reduced(half.column, half) for half in own] for own in (latitudes, longitudes)]
        choice = self._choice(halves[0])
        for column, candidates, reduced in zip(POSITION, (latitudes, longitudes), halves, strict=True):
            self._take(column, candidates, reduced, choice)

    def _reduced(self, column: str, reading: Reading) -> F64:
        out = np.full(self.grid.size, np.nan)
        reduce_to_cells(REDUCTIONS.get(column, Reduction.LAST), self.grid.cell[reading.rows], reading.values, out)
        return out

    def _choice(self, reduced: list[F64]) -> I64:
        """Number of the candidate per vehicle: the first that fills enough cells."""
        if len(reduced) == 1:
            return np.zeros(int(self.cell_vehicle[-1]) + 1 if self.grid.size else 0, dtype=np.int64)
        filled = np.array([np.bincount(self.cell_vehicle, weights=~np.isnan(values)) for values in reduced])
        is_enough = filled >= np.maximum(filled.max(axis=0) * self.rules.least_share, 1)
        choice: I64 = is_enough.argmax(axis=0)
        return choice

    def _take(self, column: str, candidates: list[Reading], reduced: list[F64], choice: I64) -> None:
        merged = reduced[0]
        for k, values in enumerate(reduced):
            is_chosen = choice[self.cell_vehicle] == k
            merged = np.where(is_chosen, values, merged)
            self._receive(candidates[k], choice == k)
        self.columns[column] = merged

    def _receive(self, reading: Reading, is_chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
        rows = reading.rows
        values = np.where(is_chosen[self.vehicle[rows]], reading.values, np.nan)
        latest_in_cells(self.grid.cell[rows], self.received[rows], values, self.received_at)

    def drop_gravity(self) -> dict[tuple[str, str], int]:
        """Null accelerations of vehicles whose sensor is not mounted as assumed; values nulled per column."""
        present = [column for column in _ACCELERATIONS if column in self.columns]
        is_tilted = np.zeros(self.grid.size, dtype=np.bool_)
        for vehicle in np.unique(self.cell_vehicle).tolist() if present else []:
            own = self.cell_vehicle == vehicle
            held = [self.columns[column][own & ~np.isnan(self.columns[column])] for column in present]
            is_tilted[own] = any(len(v) and np.median(np.abs(v)) > self.rules.gravity_ms2 for v in held)
        counts: dict[tuple[str, str], int] = {}
        for column in present:
            count = int(np.count_nonzero(is_tilted & ~np.isnan(self.columns[column])))
            self.columns[column][is_tilted] = np.nan
            counts |= {(column, GRAVITY): count} if count else {}
        return counts

    def frame(self) -> pl.DataFrame:
        """TELEMETRY rows of the cells that hold something."""
        is_filled = np.zeros(self.grid.size, dtype=np.bool_)
        for values in self.columns.values():
            is_filled |= ~np.isnan(values)
        kept = np.flatnonzero(is_filled)
        instant = TELEMETRY.schema["recorded_at"]
        table = pl.DataFrame(
            {
                "vehicle_id": self.frames["vehicle_id"].gather(self.grid.firsts[kept]),
                "recorded_at": pl.Series(self.grid.starts_us[kept]).cast(instant),
                "received_at": pl.Series(self.received_at[kept]).cast(instant),
                "source": pl.repeat(CAN_SOURCE, len(kept), eager=True),
                **{name: _typed(name, values[kept]) for name, values in self.columns.items()},
            }
        )
        return TELEMETRY.conform(table.lazy()).collect()


def _typed(column: str, values: F64) -> pl.Series:
    return pl.Series(column, values, nan_to_null=True).cast(TELEMETRY.schema[column])


def _nulled_frame(nulled: dict[tuple[str, str], int]) -> pl.DataFrame:
    rows = [(column, reason, count) for (column, reason), count in sorted(nulled.items())]
    return pl.DataFrame(rows, schema={"column": pl.String, "reason": pl.String, "count": pl.Int64}, orient="row")
