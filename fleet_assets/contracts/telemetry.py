"""Telemetry: the one contract that every source is brought to, and its raw form for imported files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fleet_assets.contracts.raw import MULTI_FRAME_REACH
from fleet_assets.contracts.schema import Column, Table

_IDENTITY = (
    Column("vehicle_id", "str", "Vehicle that was observed.", required=True),
    Column("recorded_at", "ts", "When it was observed; for bus sources the start of the grid second.", required=True),
    Column("received_at", "ts", "When the last of the contributing raw rows arrived."),
    Column("source", "str", "Where it came from: can, telemetry, torque, ...", required=True),
)

_POSITION = (
    Column("latitude_deg", "f64", "WGS 84 latitude.", "deg", low=-90, high=90),
    Column("longitude_deg", "f64", "WGS 84 longitude.", "deg", low=-180, high=180),
    Column("altitude_m", "f64", "Height above sea level as the receiver reports it.", "m", low=-500, high=9_000),
    Column("heading_deg", "f64", "Course over ground, clockwise from north.", "deg", low=0, high=360),
    Column("gps_speed_kmh", "f64", "Speed over ground from the receiver.", "km/h", low=0, high=250),
    Column("hdop", "f64", "Horizontal dilution of precision.", "1", low=0, high=100),
    Column("satellite_count", "i64", "Satellites used in the fix.", "1", low=0, high=100),
)

_MOTION = (
    Column("speed_kmh", "f64", "Vehicle's own speed (wheel or ECU).", "km/h", low=0, high=250),
    Column("odometer_km", "f64", "Cumulative distance of the vehicle.", "km", low=0, high=5_000_000),
    Column("acceleration_ms2", "f64", "Measured longitudinal acceleration.", "m/s2", low=-20, high=20),
    Column("lateral_acceleration_ms2", "f64", "Measured lateral acceleration.", "m/s2", low=-20, high=20),
)

_ENGINE = (
    Column("is_ignition_on", "bool", "Ignition or key state."),
    Column("engine_speed_rpm", "f64", "Engine speed.", "rpm", low=0, high=10_000),
    Column("engine_load_pct", "f64", "Engine load at current speed.", "%", low=0, high=125),
    Column("throttle_pct", "f64", "Throttle or accelerator position.", "%", low=0, high=100),
    Column("coolant_temp_c", "f64", "Engine coolant temperature.", "degC", low=-50, high=215),
    Column("oil_temp_c", "f64", "Engine oil temperature.", "degC", low=-50, high=300),
    Column("oil_pressure_kpa", "f64", "Engine oil pressure.", "kPa", low=0, high=1_500),
    Column("intake_air_temp_c", "f64", "Intake air temperature.", "degC", low=-50, high=215),
    Column("ambient_temp_c", "f64", "Outside air temperature.", "degC", low=-60, high=70),
    Column("engine_hours_h", "f64", "Cumulative engine running time.", "h", low=0, high=500_000),
    Column("idle_hours_h", "f64", "Cumulative idling time.", "h", low=0, high=500_000),
)

_FUEL = (
    Column("fuel_level_pct", "f64", "Fuel tank level.", "%", low=0, high=100),
    Column("fuel_level_2_pct", "f64", "Level of a second fuel tank.", "%", low=0, high=100),
    Column("fuel_level_l", "f64", "Fuel in all tanks, where the sender tells litres.", "l", low=0, high=5_000),
    Column("fuel_rate_lph", "f64", "Fuel rate.", "l/h", low=0, high=500),
    Column("fuel_used_total_l", "f64", "Cumulative fuel used.", "l", low=0, high=5_000_000),
    Column("idle_fuel_total_l", "f64", "Cumulative fuel used while idling.", "l", low=0, high=5_000_000),
    Column("def_level_pct", "f64", "Diesel exhaust fluid level.", "%", low=0, high=100),
)

_ELECTRIC = (
    Column("soc_pct", "f64", "State of charge of the traction battery.", "%", low=0, high=100),
    Column("hv_power_kw", "f64", "Power of the traction battery, positive out of it.", "kW", low=-1_000, high=1_000),
    Column("hv_voltage_v", "f64", "Voltage of the traction battery.", "V", low=0, high=1_500),
    Column("hv_current_a", "f64", "Current of the traction battery, positive out of it.", "A", low=-2_000, high=2_000),
    Column("hv_battery_temp_c", "f64", "Temperature of the traction battery.", "degC", low=-50, high=120),
    Column("hv_capacity_kwh", "f64", "Usable capacity as the vehicle reports it.", "kWh", low=0, high=2_000),
    Column("is_charger_connected", "bool", "A charging cable is plugged in."),
    Column("charger_power_kw", "f64", "Power taken from the charger.", "kW", low=0, high=1_000),
    Column("charger_voltage_v", "f64", "Voltage at the charge port.", "V", low=0, high=1_500),
    Column("electric_motor_speed_rpm", "f64", "Traction motor speed.", "rpm", low=-25_000, high=25_000),
)

_BODY = (
    Column("supply_voltage_v", "f64", "Voltage of the 12 or 24 V system.", "V", low=0, high=60),
    Column("dtc_codes", "list[str]", "Active diagnostic trouble codes."),
)


def _readings(prefix: str, which: str) -> tuple[Column, ...]:
    return (
        Column(f"{prefix}odometer_at", "ts", f"When the {which} odometer was read."),
        Column(f"{prefix}odometer_km", "f64", "Odometer then.", "km", low=0),
        Column(f"{prefix}positioned_at", "ts", f"When the {which} position was taken."),
        Column(f"{prefix}latitude_deg", "f64", "Latitude then.", "deg", low=-90, high=90),
        Column(f"{prefix}longitude_deg", "f64", "Longitude then.", "deg", low=-180, high=180),
        Column(f"{prefix}fuel_used_at", "ts", f"When the {which} fuel counter was read."),
        Column(f"{prefix}fuel_used_total_l", "f64", "Fuel counter then.", "l", low=0),
    )


TELEMETRY = Table(
    name="telemetry",
    row="One vehicle at one instant at which anything was observed, from one source.",
    key=("vehicle_id", "recorded_at", "source"),
    partition_by="recorded_at",
    look_back=MULTI_FRAME_REACH,
    columns=_IDENTITY + _POSITION + _MOTION + _ENGINE + _FUEL + _ELECTRIC + _BODY,
)

RAW_TELEMETRY = Table(
    name="raw_telemetry",
    row="One row of an imported file that already speaks the telemetry contract, before cleaning.",
    key=("entry_id",),
    sort=("vehicle_id", "recorded_at", "source", "entry_id"),
    partition_by="recorded_at",
    tail=MULTI_FRAME_REACH,
    # What a file says is kept as it says it: what is possible is judged in telemetry.
    columns=(
        *(replace(column, low=None, high=None) for column in TELEMETRY.columns),
        Column("entry_id", "str", "File hash and row ordinal.", required=True),
    ),
)

OBSERVATIONS = tuple(column.name for column in TELEMETRY.columns if column not in _IDENTITY)
"""Names of the telemetry columns that hold something observed (all but the identity group)."""

LAST_READINGS = Table(
    name="last_readings",
    row="First and last that one source of one vehicle told of odometer, place and fuel counter on one UTC day.",
    key=("vehicle_id", "source", "recorded_at"),
    partition_by="recorded_at",
    columns=(
        Column("vehicle_id", "str", "Vehicle that was read.", required=True),
        Column("source", "str", "Door through which the rows came.", required=True),
        Column("recorded_at", "ts", "The latest of the readings.", required=True),
        *_readings("", "last"),
        *_readings("first_", "first"),
    ),
)

RISES_OVER_MIDNIGHT = Table(
    name="rises_over_midnight",
    row="A reading of one source of one vehicle before a UTC day, within 31 days, and its first one on that day.",
    key=("vehicle_id", "source", "kind", "ended_at"),
    partition_by="ended_at",
    look_back=timedelta(days=31),
    columns=(
        Column("vehicle_id", "str", "Vehicle that was read.", required=True),
        Column("source", "str", "Door through which the rows came.", required=True),
        Column("kind", "str", "What was read.", required=True, values=("odometer", "place", "fuel")),
        Column("began_at", "ts", "When it was read before.", required=True),
        Column("ended_at", "ts", "When it was first read on the day.", required=True),
        Column("before", "f64", "Reading before: km or l; null for a place."),
        Column("after", "f64", "Reading on the day: km or l; of a place the straight line from the one before, km."),
    ),
)

READINGS_BEFORE_SILENCE = Table(
    name="readings_before_silence",
    row="Where a source left a vehicle, or at which odometer, of which it told nothing on the day before `silent_at`; "
    "of vehicles that spoke on the day that begins then, or in the last hour before it for the first time.",
    key=("vehicle_id", "source", "silent_at", "recorded_at"),
    partition_by="silent_at",
    look_back=timedelta(days=31),
    final_within=timedelta(days=1),
    columns=(
        Column("vehicle_id", "str", "Vehicle that was read.", required=True),
        Column("source", "str", "Door through which the row came.", required=True),
        Column("silent_at", "ts", "Midnight UTC that ends a day without a reading of the kind.", required=True),
        Column("recorded_at", "ts", "When it was read last.", required=True),
        Column("odometer_km", "f64", "Odometer then.", "km", low=0),
        Column("latitude_deg", "f64", "Latitude then.", "deg", low=-90, high=90),
        Column("longitude_deg", "f64", "Longitude then.", "deg", low=-180, high=180),
    ),
)
