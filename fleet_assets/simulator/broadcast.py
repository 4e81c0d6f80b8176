"""Broadcast: which buses a vehicle has, which messages it sends on them, and what each signal shows.

Belongs here: tables from messages and signals to gauges. Does not belong here: values (`gauges`) and times (`frames`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sending:
    """One message (of OBD2: one parameter) on one bus, and the gauges its signals show."""

    key: str
    """Its name among the periods of the plan."""
    bus: str
    dbc: str
    message: str
    signals: Mapping[str, str]


GPS_BUS = "can1"
OBD = "OBD2"

BUSES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ice": (("can0", "j1939"), (GPS_BUS, "canmod_gps")),
    "phev": (("can0", "obd2"), (GPS_BUS, "canmod_gps"), ("can2", "ev")),
    "bev": (("can0", "ev"), (GPS_BUS, "canmod_gps")),
}
"""Bus and DBC of every kind of vehicle."""

SIGNALS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "j1939": {
        "EEC1": {"ActualEnginePercentTorque": "torque_pct", "EngineSpeed": "rpm"},
        "EEC2": {"AcceleratorPedalPosition1": "pedal_pct", "EnginePercentLoadAtCurrentSpeed": "load_pct"},
        "CCVS1": {"WheelBasedVehicleSpeed": "speed_kmh"},
        "LFE1": {"EngineFuelRate": "fuel_lph", "EngineInstantaneousFuelEconomy": "economy_kml"},
        "LFC1": {"EngineTripFuel": "trip_fuel_l", "EngineTotalFuelUsed": "fuel_total_l"},
        "VDHR": {"HighResolutionTotalVehicleDistance": "distance_m", "HighResolutionTripDistance": "trip_m"},
        "VD": {"TripDistance": "trip_km", "TotalVehicleDistance": "distance_km"},
        "DD1": {"FuelLevel1": "level_pct"},
        "ET1": {"EngineCoolantTemperature": "coolant_c", "EngineOilTemperature1": "oil_c"},
        "EFLP1": {"EngineOilPressure": "oil_kpa"},
        "AT1T1I1": {"AftertreatmentDieselExhaustFluidTankLevel": "def_pct"},
        "VEP1": {"BatteryPotentialPowerInput1": "supply_v"},
        "AMB": {"AmbientAirTemperature": "ambient_c"},
        "HOURS": {"EngineTotalHoursOfOperation": "engine_h", "EngineTotalRevolutions": "revolutions"},
        "IO": {"EngineTotalIdleFuelUsed": "idle_fuel_l", "EngineTotalIdleHours": "idle_h"},
    },
    "obd2": {
        "OBD2": {
            "EngineLoad": "load_pct", "EngineCoolantTemperature": "coolant_c", "EngineSpeed": "rpm",
            "VehicleSpeed": "speed_kmh", "IntakeAirTemperature": "intake_c", "MassAirFlow": "maf_gs",
            "ThrottlePosition": "throttle_pct", "FuelTankLevel": "level_pct", "ControlModuleVoltage": "supply_v",
            "AmbientAirTemperature": "ambient_c", "HybridBatteryRemainingLife": "soc_pct",
            "EngineOilTemperature": "oil_c", "EngineFuelRate": "fuel_lph", "Odometer": "distance_km",
        },
    },
    "ev": {
        "BatteryStatus": {"StateOfCharge": "soc_pct", "UsableCapacity": "capacity_kwh",
                          "BatteryTemperature": "battery_c", "RemainingRange": "range_km"},
        "BatteryPower": {"BatteryVoltage": "hv_v", "BatteryCurrent": "hv_a", "BatteryPower": "hv_kw"},
        "ChargeStatus": {"ChargerConnected": "plugged", "ChargeState": "charge_state", "ChargerPower": "charger_kw",
                         "ChargerVoltage": "charger_v", "ChargerCurrent": "charger_a"},
        "DriveStatus": {"IgnitionOn": "ignition", "VehicleSpeed": "speed_kmh", "MotorSpeed": "motor_rpm"},
        "BodyStatus": {"AmbientTemperature": "ambient_c", "SupplyVoltage": "supply_v"},
        "VehicleDistance": {"Odometer": "distance_km"},
    },
    "canmod_gps": {
        "gnss_status": {"FixType": "fix_type", "Satellites": "satellites"},
        "gnss_time": {"TimeValid": "valid", "TimeConfirmed": "valid", "Epoch": "epoch"},
        "gnss_pos": {"PositionValid": "valid", "Latitude": "latitude", "Longitude": "longitude",
                     "PositionAccuracy": "accuracy"},
        "gnss_altitude": {"AltitudeValid": "valid", "Altitude": "altitude", "AltitudeAccuracy": "altitude_accuracy"},
        "gnss_attitude": {"AttitudeValid": "valid", "Heading": "heading", "HeadingAccuracy": "heading_accuracy"},
        "gnss_speed": {"SpeedValid": "valid", "Speed": "gps_ms", "SpeedAccuracy": "gps_speed_accuracy"},
        "gnss_imu": {"ImuValid": "imu_valid", "AccelerationX": "ahead_ms2", "AccelerationY": "left_ms2",
                     "AccelerationZ": "up_ms2", "AngularRateX": "still", "AngularRateY": "still",
                     "AngularRateZ": "turn_degs"},
    },
}  # fmt: skip
"""Per DBC and message, which gauge each signal shows."""

NOT_SENT: Mapping[str, frozenset[str]] = {"phev": frozenset({"DriveStatus", "BodyStatus", "VehicleDistance"})}
"""What a kind of vehicle leaves out: a hybrid's speed and distance are asked for by OBD."""

STEPPED = frozenset({
    "ignition", "plugged", "charge_state", "valid", "fix_type", "satellites", "latitude", "longitude", "altitude",
    "accuracy", "altitude_accuracy", "gps_speed_accuracy", "heading", "heading_accuracy",
})  # fmt: skip
"""Gauges that show their last sample, not something between two (states, angles, a receiver's fix)."""

NOISE: Mapping[str, float] = {
    "rpm": 4.0, "load_pct": 0.8, "coolant_c": 0.3, "oil_c": 0.3, "oil_kpa": 4.0, "ambient_c": 0.15, "intake_c": 0.6,
    "maf_gs": 0.1, "speed_kmh": 0.04, "throttle_pct": 0.4, "ahead_ms2": 0.15, "left_ms2": 0.15, "up_ms2": 0.25,
}  # fmt: skip
"""Standard deviation of a gauge's noise from frame to frame, where it shows anything but 0."""

SOURCE_ADDRESS: Mapping[str, int] = {
    "VDHR": 0x17, "VD": 0x17, "DD1": 0x17, "AMB": 0x17, "VEP1": 0x17, "AT1T1I1": 0x3D, "CCVS1.body": 0x21,
}  # fmt: skip
"""J1939 source addresses: instrument cluster 23, body controller 33, exhaust controller 61, all else engine 0."""

MUTE = (Sending("CCVS1.body", "can0", "j1939", "CCVS1", {}),)
"""A lorry's body controller sends the speed message too, and never knows the speed: all of it is not available."""


def sendings(kind: str) -> list[Sending]:
    """Everything a kind of vehicle can send."""
    found = [
        sending
        for bus, dbc in BUSES[kind]
        for message, signals in SIGNALS[dbc].items()
        if message not in NOT_SENT.get(kind, ())
        for sending in _sendings(bus, dbc, message, signals)
    ]
    return found + [sending for sending in MUTE if (sending.bus, sending.dbc) in BUSES[kind]]


def _sendings(bus: str, dbc: str, message: str, signals: Mapping[str, str]) -> list[Sending]:
    if message != OBD:
        return [Sending(message, bus, dbc, message, signals)]
    return [Sending(f"{OBD}.{name}", bus, dbc, message, {name: gauge}) for name, gauge in signals.items()]
