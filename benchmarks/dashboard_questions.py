"""Questions of the dashboards, asked of the marts as the panels ask, and of raw telemetry as one would without marts.

Belongs here: statements that run as they stand on both warehouses. Does not belong here: asking them.

Of raw rows each question is asked in the cheapest way that means what the mart means. Steps of a counter count within
drives only (300 s of silence end one): no tow, reset or midnight falsifies them. Motion is told by the vehicle's speed,
else by the receiver's; the engine by its speed, else by the ignition. What else makes a trip is asked of neither.
"""

from __future__ import annotations

from dataclasses import dataclass

VEHICLE = "van-0003"
SPAN = "between date '2026-03-01' and date '2026-03-30'"
RAW_SPAN = "recorded_at >= timestamptz '2026-03-01 00:00:00+00' and recorded_at < timestamptz '2026-03-31 00:00:00+00'"
OF_VEHICLE = f"{RAW_SPAN} and vehicle_id = '{VEHICLE}'"
DAY = "cast(recorded_at as date)"
BEFORE = "over (partition by vehicle_id order by recorded_at)"
IS_MOVING = "coalesce(speed_kmh > 1.6, gps_speed_kmh > 3)"
IS_ENGINE_ON = "coalesce(engine_speed_rpm > 0, is_ignition_on)"
IS_SILENT = "seen_at < timestamptz '{now}' - interval '15 minutes'"
IS_MOVING_NOW = "moved_at is not null and moved_at >= seen_at - interval '2 minutes'"
IS_ON_NOW = "on_at is not null and (off_at is null or on_at > off_at)"


@dataclass(frozen=True)
class Question:
    """One panel. The sums of the columns of numbers must be equal in both answers, to a thousandth."""

    panel: str
    marts: str
    raw: str


def _by_day_and_vehicle(counters: dict[str, str], where: str = RAW_SPAN) -> str:
    steps = ", ".join(f"{counter} - lag({counter}) {BEFORE} as {name}" for name, counter in counters.items())
    sums = ", ".join(f"sum({name}) as {name}" for name in counters)
    return (
        f"select vehicle_id, day, {sums} from (select vehicle_id, {DAY} as day, {steps}, "
        f"recorded_at - lag(recorded_at) {BEFORE} as gap from fleet.telemetry where {where}) as s "
        "where gap < interval '300 seconds' group by vehicle_id, day"
    )


QUESTIONS = [
    Question(
        "Distance by day",
        f"select local_date, distance_km as n from fleet.fleet_km_daily where local_date {SPAN} order by 1",
        f"select day, sum(km) as n from ({_by_day_and_vehicle({'km': 'odometer_km'})}) as d group by day order by 1",
    ),
    Question(
        "Fuel by day",
        "select local_date, sum(fuel_used_l) as n from fleet.trip_daily_stats "
        f"where local_date {SPAN} group by local_date order by 1",
        f"select day, sum(litres) as n from ({_by_day_and_vehicle({'litres': 'fuel_used_total_l'})}) as d "
        "group by day order by 1",
    ),
    Question(
        "Consumption by vehicle",
        "select vehicle_id, 100 * sum(rated_fuel_l) / nullif(sum(rated_fuel_km), 0) as n from fleet.trip_daily_stats "
        f"where local_date {SPAN} group by vehicle_id order by n desc nulls last, vehicle_id",
        "select vehicle_id, 100 * sum(litres) / nullif(sum(km), 0) as n from ("
        f"{_by_day_and_vehicle({'litres': 'fuel_used_total_l', 'km': 'odometer_km'})}) as d "
        "group by vehicle_id order by n desc nulls last, vehicle_id",
    ),
    Question(
        "Hours in use by vehicle",
        "select vehicle_id, sum(trip_s) / 3600 as n from fleet.vehicle_daily "
        f"where local_date {SPAN} group by vehicle_id order by n desc, vehicle_id",
        "select vehicle_id, sum(case when gap_s <= 300 then gap_s end) / 3600 as n from ("
        f"select vehicle_id, extract(epoch from recorded_at - lag(recorded_at) {BEFORE}) as gap_s "
        f"from fleet.telemetry where {RAW_SPAN}) as g group by vehicle_id order by n desc, vehicle_id",
    ),
    Question(
        "Vehicles now",
        "select count(*) filter (where state = 'moving') as moving, "
        "count(*) filter (where state = 'idling') as idling, "
        "count(*) filter (where state = 'standing') as standing, count(*) filter (where state = 'silent') as n "
        "from fleet.fleet_today",
        f"select count(*) filter (where not ({IS_SILENT}) and {IS_MOVING_NOW}) as moving, "
        f"count(*) filter (where not ({IS_SILENT}) and not ({IS_MOVING_NOW}) and {IS_ON_NOW}) as idling, "
        f"count(*) filter (where not ({IS_SILENT}) and not ({IS_MOVING_NOW}) and not ({IS_ON_NOW})) as standing, "
        f"count(*) filter (where {IS_SILENT}) as n from ("
        f"select vehicle_id, max(recorded_at) as seen_at, max(case when {IS_MOVING} then recorded_at end) as moved_at, "
        f"max(case when {IS_ENGINE_ON} then recorded_at end) as on_at, "
        f"max(case when not {IS_ENGINE_ON} then recorded_at end) as off_at "
        "from fleet.telemetry group by vehicle_id) as v",
    ),
    Question(
        "Not moved today",
        "select count(*) as n from (select vehicle_id, last_moved_at, standing_days "
        "from fleet.vehicles_not_moved_today) as v",
        f"select count(*) as n from (select vehicle_id, max(case when {IS_MOVING} then recorded_at end) as moved_at "
        "from fleet.telemetry group by vehicle_id) as v where moved_at is null or moved_at < date '2026-03-30'",
    ),
    Question(
        "Telemetry rows by day",
        f"select utc_date, sum(row_count) as n from fleet.telemetry_daily where utc_date {SPAN} "
        "group by utc_date order by 1",
        f"select {DAY} as day, count(*) as n from fleet.telemetry where {RAW_SPAN} group by {DAY} order by 1",
    ),
    Question(
        "Distance by day of a vehicle",
        "select local_date, distance_km as n from fleet.trip_daily_stats "
        f"where vehicle_id = '{VEHICLE}' and local_date {SPAN} order by 1",
        f"select day, km as n from ({_by_day_and_vehicle({'km': 'odometer_km'}, OF_VEHICLE)}) as d order by 1",
    ),
]
