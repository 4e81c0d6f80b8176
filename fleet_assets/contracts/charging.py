"""Charging: what was observed of cables and charging power, and the sessions that follow from it.

Belongs here: declarations. Does not belong here: how sessions are found (`core.charging`) and prices (`reference`).
"""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.schema import Column, Table

PERIOD_STATES = ("charging", "plugged", "seen", "away")
CHARGE_TYPES = ("L1", "L2", "DC")
CHARGE_SOURCES = ("charger", "battery", "soc")

PATIENCE = timedelta(days=7)
"""Silence after which a session that nobody saw end is final: a vehicle on the charger may sleep over the holidays."""

LOOK_BACK = timedelta(days=31)
"""How long before its day a session may have begun, and how old the last state of charge may be."""


_UNITS = {"pct": "%", "kw": "kW"}


def _reading(prefix: str, what: str, unit: str, low: float | None = None) -> tuple[Column, ...]:
    """First and last reading of a quantity within a period."""
    return tuple(
        column
        for end in ("first", "last")
        for column in (
            Column(f"{end}_{prefix}_at", "ts", f"When {what} was read {end}."),
            Column(f"{end}_{prefix}_{unit}", "f64", f"{what.capitalize()} then.", _UNITS[unit], low=low),
        )
    )  # fmt: skip


CHARGING_PERIODS = Table(
    name="charging_periods",
    row="One stretch of one UTC hour in which a vehicle was in one state of charging (of a day, where it was in use).",
    key=("vehicle_id", "started_at"),
    partition_by="started_at",
    is_local=True,
    columns=(
        Column("vehicle_id", "str", "Vehicle that was observed.", required=True),
        Column("started_at", "ts", "First observation of the stretch.", required=True),
        Column("ended_at", "ts", "Last observation of the stretch.", required=True),
        Column(
            "state", "str",
            "charging; plugged without power; seen at rest, cable unknown; away: in use, or seen without a cable.",
            required=True, values=PERIOD_STATES,
        ),
        Column("is_connected", "bool", "A cable was seen plugged in."),
        Column("reading_count", "i64", "Readings of charging power.", required=True, low=0),
        Column("charging_s", "f64", "Time at charging power.", "s", required=True, low=0),
        Column("ac_kwh", "f64", "Energy from the charger within the stretch.", "kWh", low=0),
        Column("battery_kwh", "f64", "Energy into the battery within the stretch, less what left it.", "kWh"),
        Column("peak_power_kw", "f64", "Highest charging power read.", "kW"),
        Column("charger_voltage_v", "f64", "Highest voltage at the charge port.", "V", low=0),
        Column("hv_voltage_v", "f64", "Voltage of the battery at that moment.", "V", low=0),
        *_reading("ac", "power from the charger", "kw", low=0),
        *_reading("battery", "power into the battery", "kw"),
        *_reading("soc", "the state of charge", "pct", low=0),
        Column("capacity_kwh", "f64", "Usable capacity as the vehicle last reported it.", "kWh", low=0),
        Column("first_odometer_km", "f64", "Odometer, first reading.", "km", low=0),
        Column("last_odometer_km", "f64", "Odometer, last reading.", "km", low=0),
        Column("first_latitude_deg", "f64", "Latitude, first reading.", "deg", low=-90, high=90),
        Column("first_longitude_deg", "f64", "Longitude, first reading.", "deg", low=-180, high=180),
        Column("latitude_deg", "f64", "Latitude, last reading.", "deg", low=-90, high=90),
        Column("longitude_deg", "f64", "Longitude, last reading.", "deg", low=-180, high=180),
        Column("curve", "json", "Means by the minute while charging: [s since started_at, kW, state of charge]."),
    ),
)  # fmt: skip

_FINAL = (
    Column("is_truncated", "bool", "The start was cut at the edge of the look-back.", required=True),
    Column("rules_version", "str", "Rules and code in force when the row was made.", required=True),
)

_MEASURES = (
    Column("energy_added_kwh", "f64", "Energy put into the battery, by energy_source.", "kWh"),
    Column("energy_ac_kwh", "f64", "Energy taken from the charger; null where it was not measured.", "kWh", low=0),
    Column("energy_battery_kwh", "f64", "Energy into the battery by its own power; null where not measured.", "kWh"),
    Column("energy_loss_kwh", "f64", "energy_ac_kwh less energy_battery_kwh.", "kWh"),
    Column(
        "energy_source", "str",
        "What energy_added_kwh was taken from: battery power; charger (losses included); state of charge x capacity.",
        values=CHARGE_SOURCES,
    ),
    Column("peak_power_kw", "f64", "Highest power read, at the charger where known.", "kW"),
    Column("avg_power_kw", "f64", "Energy (of the charger where known) over charging_s.", "kW"),
    Column("charging_s", "f64", "Time at charging power; null where nobody saw it.", "s", low=0),
    Column("start_soc_pct", "f64", "State of charge at the start.", "%", low=0, high=100),
    Column("end_soc_pct", "f64", "State of charge at the end.", "%", low=0, high=100),
    Column("charge_type", "str", "By voltage, else by power.", values=CHARGE_TYPES),
    Column("latitude_deg", "f64", "Latitude of the vehicle.", "deg", low=-90, high=90),
    Column("longitude_deg", "f64", "Longitude of the vehicle.", "deg", low=-180, high=180),
    Column("zone_id", "str", "Zone it was charged in."),
    Column(
        "cost", "f64", "Energy from the charger, else into the battery, at the prices in force; null without a price."
    ),
    Column("currency", "str", "Currency of the cost."),
)  # fmt: skip

POWER_SESSIONS = Table(
    name="power_sessions",
    row="One stretch of charging power of one vehicle, pauses under 15 min joined; or a rise of charge nobody saw.",
    key=("power_session_id",),
    sort=("vehicle_id", "started_at", "power_session_id"),
    partition_by="closed_at",
    look_back=LOOK_BACK,
    final_within=PATIENCE,
    is_local=True,
    columns=(
        Column("power_session_id", "str", "Stable hash of vehicle, start, and whether anybody saw it.", required=True),
        Column("session_id", "str", "Its plug-in, of charging_sessions.", required=True),
        Column("vehicle_id", "str", "Vehicle that was charged.", required=True),
        Column("started_at", "ts", "First charging power; of a rise nobody saw the reading before it.", required=True),
        Column("ended_at", "ts", "Last charging power; of a rise nobody saw the reading after it.", required=True),
        Column("closed_at", "ts", "When the session became final.", required=True),
        Column("local_date", "date", "Day of started_at in the vehicle's time zone.", required=True),
        *_MEASURES,
        Column("curve", "json", "At most 60 points: [s since started_at, kW, state of charge]."),
        *_FINAL,
    ),
)

CHARGING_SESSIONS = Table(
    name="charging_sessions",
    row="One plug-in of one vehicle, from cable in to cable out, with or without charging power.",
    key=("session_id",),
    sort=("vehicle_id", "plugged_at", "session_id"),
    partition_by="closed_at",
    look_back=LOOK_BACK,
    final_within=PATIENCE,
    is_local=True,
    columns=(
        Column("session_id", "str", "Stable hash of vehicle and plugged_at.", required=True),
        Column("vehicle_id", "str", "Vehicle that was plugged in.", required=True),
        Column("plugged_at", "ts", "First sign of a cable or of charging.", required=True),
        Column("unplugged_at", "ts", "First observation without the cable; null where no cable was ever seen."),
        Column("started_at", "ts", "First charging power; null without any."),
        Column("ended_at", "ts", "Last charging power; null without any."),
        Column("closed_at", "ts", "When the session became final.", required=True),
        Column("local_date", "date", "Day of plugged_at in the vehicle's time zone.", required=True),
        Column("plugged_s", "f64", "unplugged_at - plugged_at.", "s", low=0),
        Column("power_session_count", "i64", "Stretches of charging power.", required=True, low=0),
        *_MEASURES,
        *_FINAL,
    ),
)

CHARGING_HOURS = Table(
    name="charging_hours",
    row="What of one power session fell in one UTC hour; the hours of a session add up to it.",
    key=("power_session_id", "hour_at"),
    sort=("vehicle_id", "hour_at", "power_session_id"),
    partition_by="closed_at",
    look_back=LOOK_BACK,
    final_within=PATIENCE,
    is_local=True,
    columns=(
        Column("power_session_id", "str", "Power session.", required=True),
        Column("session_id", "str", "Its plug-in, of charging_sessions.", required=True),
        Column("vehicle_id", "str", "Vehicle that was charged.", required=True),
        Column("closed_at", "ts", "When the power session became final.", required=True),
        Column("hour_at", "ts", "Start of the UTC hour.", required=True),
        Column("local_date", "date", "Day of hour_at in the vehicle's time zone.", required=True),
        Column("local_hour", "i64", "Hour of hour_at in the vehicle's time zone.", required=True, low=0, high=23),
        Column("energy_added_kwh", "f64", "Energy put into the battery.", "kWh"),
        Column("energy_ac_kwh", "f64", "Energy taken from the charger.", "kWh", low=0),
        Column("charging_s", "f64", "Time at charging power; null where nobody saw it.", "s", low=0, high=3_600),
        Column("peak_power_kw", "f64", "Highest power read.", "kW"),
        Column("charge_type", "str", "Of the power session.", values=CHARGE_TYPES),
        Column("zone_id", "str", "Zone it was charged in."),
        Column("cost", "f64", "Its part of the session's cost."),
        Column("currency", "str", "Currency of the cost."),
        Column("rules_version", "str", "Rules and code in force when the row was made.", required=True),
    ),
)
