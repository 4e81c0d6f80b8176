"""Events: rows that belong to the day in which they became final (`closed_at`).

Each table's `look_back` bounds how long an event can be before its start is cut and `is_truncated` is set.
"""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.schema import Column, Table


def _place(prefix: str, what: str) -> tuple[Column, Column]:
    return (
        Column(f"{prefix}latitude_deg", "f64", f"Latitude {what}.", "deg", low=-90, high=90),
        Column(f"{prefix}longitude_deg", "f64", f"Longitude {what}.", "deg", low=-180, high=180),
    )


_FINAL = (
    Column("is_truncated", "bool", "The start was cut at the edge of the look-back.", required=True),
    Column("rules_version", "str", "Rules and code in force when the row was made.", required=True),
)

TRIPS = Table(
    name="trips",
    row="One trip of one vehicle, from the first to the last movement between two ends; or a drive that nobody saw.",
    key=("trip_id",),
    sort=("vehicle_id", "started_at", "trip_id"),
    partition_by="closed_at",
    look_back=timedelta(days=1),
    longest=timedelta(days=32),
    final_within=timedelta(days=1),
    is_local=True,
    columns=(
        Column("trip_id", "str", "Stable hash of vehicle and start.", required=True),
        Column("vehicle_id", "str", "Vehicle that drove.", required=True),
        Column("driver_id", "str", "Driver assigned to the vehicle at the start."),
        Column(
            "started_at", "ts", "First movement; estimated between two rows that are over 10 s apart.", required=True
        ),
        Column("ended_at", "ts", "Last movement; estimated between two rows that are over 10 s apart.", required=True),
        Column("closed_at", "ts", "When the trip became final.", required=True),
        Column("local_date", "date", "Day of started_at in the vehicle's time zone.", required=True),
        Column(
            "start_reason", "str", "Why it starts here: motion, ignition, gap, truncated, unobserved.", required=True
        ),
        Column("end_reason", "str", "Why it ends here: stop, ignition, gap, unobserved.", required=True),
        Column("duration_s", "f64", "ended_at - started_at.", "s", required=True, low=0),
        Column("moving_s", "f64", "Time in motion; null where nobody saw it.", "s", low=0),
        Column("standing_s", "f64", "Time at a stand within the trip; null where nobody saw it.", "s", low=0),
        Column(
            "unknown_s",
            "f64",
            "Time of which nothing says whether it moved: duration_s less moving_s and standing_s.",
            "s",
            low=0,
        ),
        Column(
            "idle_s",
            "f64",
            "Part of standing_s with the engine running; null where no signal tells of an engine.",
            "s",
            low=0,
        ),
        Column("distance_km", "f64", "Distance driven.", "km", required=True, low=0),
        Column("distance_error_km", "f64", "Expected error of distance_km.", "km", low=0),
        Column(
            "distance_source",
            "str",
            "What the distance was taken from.",
            required=True,
            values=("odometer", "speed", "gps"),
        ),
        Column("odometer_distance_km", "f64", "Distance by the odometer, whether believed or not.", "km", low=0),
        Column("speed_distance_km", "f64", "Distance by the vehicle's own speed, likewise.", "km", low=0),
        Column(
            "gps_distance_km",
            "f64",
            "Distance by positions or the receiver's speed, likewise; a straight line of a drive that nobody saw.",
            "km",
            low=0,
        ),
        Column(
            "quality",
            "str",
            "Witness that the others contradict and that was not believed; null where none was.",
            values=("speed_overruled", "odometer_overruled"),
        ),
        Column("start_odometer_km", "f64", "Odometer at the start.", "km", low=0),
        Column("end_odometer_km", "f64", "Odometer at the end.", "km", low=0),
        *_place("start_", "of the first position in the trip"),
        *_place("end_", "of the last position in the trip"),
        Column(
            "max_speed_kmh", "f64", "Highest speed seen, or the mean where that is higher.", "km/h", low=0, high=250
        ),
        Column("avg_speed_kmh", "f64", "Distance over moving time.", "km/h", low=0),
        Column("point_count", "i64", "Telemetry rows in the trip.", required=True, low=0),
        Column("cadence_s", "f64", "Mean time between two observations in the trip, silences left out.", "s", low=0),
        Column(
            "coverage_pct", "f64", "Share of the duration covered by observations.", "%", required=True, low=0, high=100
        ),
        Column("elevation_gain_m", "f64", "Sum of climbs, smoothed.", "m", low=0),
        Column("elevation_loss_m", "f64", "Sum of descents, smoothed.", "m", low=0),
        Column("ambient_temp_c", "f64", "Median outside temperature.", "degC"),
        Column("start_fuel_level_pct", "f64", "Median tank level over the first minutes.", "%", low=0, high=100),
        Column("end_fuel_level_pct", "f64", "Median tank level over the last minutes.", "%", low=0, high=100),
        Column("fuel_used_l", "f64", "Fuel burned; null where nothing tells it well enough.", "l", low=0),
        Column(
            "fuel_used_sd_l",
            "f64",
            "Standard deviation of fuel_used_l by level; of counter and rate their expected error.",
            "l",
            low=0,
        ),
        Column("fuel_source", "str", "What fuel_used_l was taken from.", values=("counter", "rate", "level")),
        Column(
            "fuel_l_per_100km",
            "f64",
            "fuel_used_l per 100 km of the whole trip, also of a hybrid; null below 1.6 km with the engine on.",
            "l/100 km",
            low=0,
        ),
        Column("energy_used_kwh", "f64", "Net energy out of the traction battery.", "kWh"),
        Column("energy_source", "str", "What energy_used_kwh was taken from.", values=("power", "soc")),
        Column("energy_discharged_kwh", "f64", "Energy out of the traction battery.", "kWh", low=0),
        Column("energy_regenerated_kwh", "f64", "Energy back into the traction battery.", "kWh", low=0),
        Column("electric_energy_kwh", "f64", "Net energy out of the traction battery while the engine was off.", "kWh"),
        Column(
            "kwh_per_100km", "f64", "electric_energy_kwh per 100 electric_km; null below 0.8 electric km.", "kWh/100 km"
        ),
        Column("start_soc_pct", "f64", "State of charge at the start.", "%", low=0, high=100),
        Column("end_soc_pct", "f64", "State of charge at the end.", "%", low=0, high=100),
        Column("electric_km", "f64", "Distance with the engine off (vehicles with a traction battery).", "km", low=0),
        Column("engine_km", "f64", "Distance with the engine on.", "km", low=0),
        Column("engine_started_at", "ts", "First engine start within the trip."),
        Column("soc_at_engine_start_pct", "f64", "State of charge at that engine start.", "%", low=0, high=100),
        *_FINAL,
    ),
)

STANDING_PERIODS = Table(
    name="standing_periods",
    row="One stretch of one UTC day in which a vehicle was observed standing (cut at midnight, not an event).",
    key=("vehicle_id", "started_at"),
    partition_by="started_at",
    is_local=True,
    columns=(
        Column("vehicle_id", "str", "Vehicle that stood.", required=True),
        Column("started_at", "ts", "First observation of the stretch.", required=True),
        Column("ended_at", "ts", "Last observation of the stretch.", required=True),
        Column("is_standing", "bool", "Standing was seen; false where the engine alone told of the vehicle."),
        Column("engine_on_s", "f64", "Time with the engine running; null where no signal tells of it.", "s", low=0),
        Column("idle_fuel_l", "f64", "Fuel burned while standing.", "l", low=0),
        Column("charger_s", "f64", "Time with a charger connected.", "s", required=True, low=0),
        *_place("", "(median)"),
    ),
)

STOPS = Table(
    name="stops",
    row="One stay of one vehicle before a trip: since the trip before it, or since it was first seen standing.",
    key=("stop_id",),
    sort=("vehicle_id", "started_at", "stop_id"),
    partition_by="closed_at",
    look_back=timedelta(days=31),
    longest=timedelta(days=31) + TRIPS.reach,  # it begins with the end of a trip that became final in its look-back
    final_within=timedelta(hours=2),  # a stop waits for its refuel (`core.stops`)
    is_local=True,
    columns=(
        Column("stop_id", "str", "Stable hash of vehicle and start.", required=True),
        Column("vehicle_id", "str", "Vehicle that stood.", required=True),
        Column("started_at", "ts", "End of the trip before; the first observation where there is none.", required=True),
        Column("ended_at", "ts", "Start of the trip after.", required=True),
        Column("closed_at", "ts", "When the trip after, and what happened in the stay, became final.", required=True),
        Column("local_date", "date", "Day of started_at in the vehicle's time zone.", required=True),
        Column("duration_s", "f64", "ended_at - started_at.", "s", required=True, low=0),
        *_place("", "of the stay"),
        Column("engine_on_s", "f64", "Engine running during the stay.", "s", low=0),
        Column("idle_s", "f64", "Engine running, standing, during the stay.", "s", low=0),
        Column("idle_fuel_l", "f64", "Fuel burned during the stay.", "l", low=0),
        Column("fuel_level_change_pct", "f64", "Tank level after minus before.", "%", low=-100, high=100),
        Column("unobserved_km", "f64", "Odometer after minus before: driven without telemetry.", "km"),
        Column("zone_id", "str", "Zone the stay lies in."),
        Column("kind", "str", "What the stay was.", values=("parking", "idling", "refuelling", "charging")),
        *_FINAL,
    ),
)
