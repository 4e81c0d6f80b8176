"""Ground truth: what really happened, as tables to compare findings with.

Belongs here: rows of truth and their tables. Does not belong here: anything that is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import polars as pl

from fleet_assets.contracts import TIMESTAMP


@dataclass(frozen=True)
class TripTruth:
    """From the first to the last movement of one leg. Fuel is null without an engine, energy without a battery."""

    vehicle_id: str
    started_at: datetime
    ended_at: datetime
    start_zone_id: str
    end_zone_id: str
    distance_km: float
    moving_s: float
    max_speed_kmh: float
    fuel_burned_l: float | None
    energy_kwh: float | None
    """Net at the battery's terminals, positive out of it."""
    energy_regenerated_kwh: float | None
    start_soc_pct: float | None
    end_soc_pct: float | None
    start_latitude_deg: float
    start_longitude_deg: float
    end_latitude_deg: float
    end_longitude_deg: float


@dataclass(frozen=True)
class StopTruth:
    """A stay between two trips; engine_on_s and idle fuel are those of the engine while it stood."""

    vehicle_id: str
    started_at: datetime
    ended_at: datetime
    zone_id: str
    kind: str
    """charging, refuelling, idling (engine on for 300 s or more) or parking."""
    engine_on_s: float
    idle_fuel_l: float | None
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True)
class RefuelTruth:
    """One filling of the tank, between two trips."""

    vehicle_id: str
    started_at: datetime
    ended_at: datetime
    zone_id: str
    litres: float
    level_before_l: float
    level_after_l: float


@dataclass(frozen=True)
class FuelLossTruth:
    """Fuel that somebody took out of a tank during a stay with the engine off."""

    vehicle_id: str
    kind: str
    """theft (10 l and more) or siphoning (2 to 5 l of a night)."""
    started_at: datetime
    ended_at: datetime
    zone_id: str
    litres: float
    level_before_l: float
    level_after_l: float


@dataclass(frozen=True)
class SenderFaultTruth:
    """A time in which a tank's sender told something that was not so."""

    vehicle_id: str
    kind: str
    """zero (0 % and back) or wake_up (a value that means nothing, soon after the buses woke)."""
    started_at: datetime
    ended_at: datetime
    level_pct: float
    """What it told."""


@dataclass(frozen=True)
class ChargeTruth:
    """One plugged session with its power session. `energy_charger_kwh` at the charge port, `energy_battery_kwh` at the
    battery's terminals. `is_truncated`: cut by the end of the simulation."""

    vehicle_id: str
    plugged_at: datetime
    unplugged_at: datetime
    started_at: datetime
    ended_at: datetime
    zone_id: str
    kind: str
    """ac or dc."""
    energy_charger_kwh: float
    energy_battery_kwh: float
    peak_power_kw: float
    start_soc_pct: float
    end_soc_pct: float
    is_truncated: bool = False


@dataclass(frozen=True)
class VehicleTruth:
    """Totals of one vehicle over the whole simulation, standing included."""

    vehicle_id: str
    kind: str
    mass_kg: float
    trip_count: int
    distance_km: float
    fuel_burned_l: float | None
    energy_kwh: float | None
    """Net out of the battery while switched on (charging not counted)."""
    refuelled_l: float | None
    lost_l: float | None
    """Stolen and siphoned."""
    frame_count: int


@dataclass
class Truth:
    """The truth of one vehicle or of a fleet."""

    trips: list[TripTruth] = field(default_factory=list)
    stops: list[StopTruth] = field(default_factory=list)
    refuels: list[RefuelTruth] = field(default_factory=list)
    fuel_losses: list[FuelLossTruth] = field(default_factory=list)
    sender_faults: list[SenderFaultTruth] = field(default_factory=list)
    charges: list[ChargeTruth] = field(default_factory=list)
    vehicles: list[VehicleTruth] = field(default_factory=list)


_ROWS = {
    "trips": TripTruth, "stops": StopTruth, "refuels": RefuelTruth, "fuel_losses": FuelLossTruth,
    "sender_faults": SenderFaultTruth, "charges": ChargeTruth, "vehicles": VehicleTruth,
}  # fmt: skip
_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "str": pl.String, "datetime": TIMESTAMP, "float": pl.Float64, "int": pl.Int64, "bool": pl.Boolean,
}  # fmt: skip


def truth_tables(truths: Sequence[Truth]) -> dict[str, pl.DataFrame]:
    """One table per kind of truth over all vehicles, sorted by vehicle and time; empty ones with their columns."""
    return {name: _table(name, truths) for name in _ROWS}


def _table(name: str, truths: Sequence[Truth]) -> pl.DataFrame:
    columns = _ROWS[name].__annotations__
    schema = {column: _TYPES[str(kind).removesuffix(" | None")] for column, kind in columns.items()}
    rows = [asdict(row) for truth in truths for row in getattr(truth, name)]
    frame = pl.DataFrame(rows, schema=schema)
    return frame.sort([column for column in ("vehicle_id", "started_at") if column in schema])


def instant(seconds: float) -> datetime:
    """The UTC instant of seconds since 1970, to the microsecond."""
    whole = int(seconds // 1)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=min(round((seconds - whole) * 1e6), 999_999))
