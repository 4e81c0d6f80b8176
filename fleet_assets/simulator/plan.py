"""What to simulate: how many vehicles and days, from which seed, and how often each message is sent.

Belongs here: the plan and the message periods. Does not belong here: what a message holds (`broadcast`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from fleet_assets.contracts.errors import UsageError

THINNED_PERIODS_S: Mapping[str, float] = MappingProxyType({
    "EEC1": 2.0, "EEC2": 10.0, "CCVS1": 1.0, "LFE1": 2.0, "LFC1": 5.0, "VDHR": 5.0, "VD": 60.0, "DD1": 10.0,
    "ET1": 20.0, "EFLP1": 20.0, "AT1T1I1": 60.0, "VEP1": 20.0, "AMB": 30.0, "HOURS": 30.0, "IO": 30.0,
    "OBD2.VehicleSpeed": 1.0, "OBD2.EngineSpeed": 2.0, "OBD2.EngineLoad": 10.0, "OBD2.ThrottlePosition": 10.0,
    "OBD2.MassAirFlow": 10.0, "OBD2.EngineFuelRate": 2.0, "OBD2.FuelTankLevel": 10.0, "OBD2.Odometer": 5.0,
    "OBD2.EngineCoolantTemperature": 20.0, "OBD2.EngineOilTemperature": 20.0, "OBD2.IntakeAirTemperature": 20.0,
    "OBD2.AmbientAirTemperature": 30.0, "OBD2.ControlModuleVoltage": 20.0, "OBD2.HybridBatteryRemainingLife": 20.0,
    "BatteryStatus": 10.0, "BatteryPower": 1.0, "ChargeStatus": 20.0, "DriveStatus": 1.0, "BodyStatus": 30.0,
    "VehicleDistance": 5.0,
    "gnss_status": 5.0, "gnss_time": 60.0, "gnss_pos": 2.0, "gnss_altitude": 10.0, "gnss_attitude": 10.0,
    "gnss_speed": 2.0, "gnss_imu": 10.0, "CCVS1.body": 10.0,
})  # fmt: skip
"""Seconds between two frames, thinned so that a week of a fleet is a few million frames; `real_periods` are those of a
bus. A message that is not named is not sent."""

CHARGING_PERIODS_S: Mapping[str, float] = MappingProxyType({
    "BatteryStatus": 60.0, "BatteryPower": 15.0, "ChargeStatus": 15.0, "DriveStatus": 60.0, "VehicleDistance": 60.0,
    "gnss_pos": 60.0, "gnss_speed": 60.0, "gnss_status": 300.0,
})  # fmt: skip
"""Seconds between two frames while the vehicle stands on the charger, switched off."""

_OBD_POLL_S = 0.05
_GPS_S = 0.2
_REAL_S = {
    "EEC1": 0.02, "EEC2": 0.05, "CCVS1": 0.1, "CCVS1.body": 0.1, "LFE1": 0.1, "EFLP1": 0.5, "BatteryPower": 0.1,
    "DriveStatus": 0.02,
}  # fmt: skip


def real_periods() -> Mapping[str, float]:
    """Periods of a real bus: the standard's for J1939, 5 Hz for the receiver, twenty OBD answers a second in turn."""
    obd = sum(name.startswith("OBD2.") for name in THINNED_PERIODS_S) * _OBD_POLL_S
    rules = (("OBD2.", obd), ("gnss_", _GPS_S))
    fallback = {name: next((s for start, s in rules if name.startswith(start)), 1.0) for name in THINNED_PERIODS_S}
    return MappingProxyType(fallback | _REAL_S)


@dataclass(frozen=True)
class AnyFleetPlan:
    """What every simulated fleet depends on, whatever it sends."""

    vehicles: int
    days: int
    """UTC days from `start`; nothing lies outside them."""
    seed: int = 1
    """Seed of everything random."""
    start: date = date(2025, 3, 3)
    """First UTC day."""

    def __post_init__(self) -> None:
        if self.vehicles < 0 or self.days < 0 or self.seed < 0:
            raise UsageError("a fleet plan needs vehicles, days and seed of 0 or more")

    @property
    def starts_at(self) -> datetime:
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(days=self.days)

    @property
    def start_s(self) -> float:
        """s since 1970 of the first instant."""
        return self.starts_at.timestamp()

    @property
    def end_s(self) -> float:
        """s since 1970 of the first instant after the plan."""
        return self.ends_at.timestamp()


@dataclass(frozen=True)
class FleetPlan(AnyFleetPlan):
    """Everything a simulated fleet depends on: equal plans give equal bytes."""

    vehicles: int = 12
    """Vehicles; lorries, plug-in hybrids and battery cars in turn."""
    days: int = 7
    periods_s: Mapping[str, float] = field(default_factory=lambda: THINNED_PERIODS_S)
    """s between two frames of a message (OBD2: of a parameter) while switched on."""
    charging_periods_s: Mapping[str, float] = field(default_factory=lambda: CHARGING_PERIODS_S)
    """s between two frames of a message on the charger."""
    gps_losses_per_hour: float = 0.6
    """Times an hour of operation that the receiver loses its fix (tunnels, halls)."""
    silences_per_hour: float = 0.2
    """Times an hour of operation that nothing is recorded for a while (a logger that restarts)."""
    thefts_per_day: float = 0.2
    """Thefts of 10 to 150 l from a lorry, far more than real ones, so that a week has a few."""
    siphonings_per_day: float = 0.1
    """Nights in which 2 to 5 l go from a lorry's tank, per day."""
    tank_zeros_per_hour: float = 0.02
    """Times an hour of operation that a lorry's tank sender tells zero for a while."""
    wake_up_nonsense: float = 0.05
    """Share of a lorry's wakings after which its tank sender tells nonsense for some seconds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        periods = {**self.periods_s, **self.charging_periods_s}
        wrong = sorted(name for name, seconds in periods.items() if name not in THINNED_PERIODS_S or seconds < 0.001)
        if wrong:
            raise UsageError(f"periods are for known messages and at least 0.001 s: {', '.join(wrong)}")
