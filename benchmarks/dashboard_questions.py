"""Questions of the dashboards, asked of the marts as the panels ask, and of raw telemetry as one would without marts.

Belongs here: statements that run as they stand on both warehouses. Does not belong here: asking them.

Of raw rows each question is asked in the cheapest way that answers it: distance and fuel from the ends of counters by
day, time in use from gaps between rows. Trips are segmented by neither, which would cost the raw side a multiple.
"""

from __future__ import annotations

from dataclasses import dataclass

VEHICLE = "van-0003"
SPAN = "between date '2026-03-01' and date '2026-03-30'"
RAW_SPAN = "recorded_at >= timestamptz '2026-03-01 00:00:00+00' and recorded_at < timestamptz '2026-03-31 00:00:00+00'"
OF_VEHICLE = f"{RAW_SPAN} and vehicle_id = '{VEHICLE}'"
DAY = "cast(recorded_at as date)"


@dataclass(frozen=True)
class Question:
    """One panel. The sums of the columns `n` of both answers must be equal, to a thousandth."""

    panel: str
    marts: str
    raw: str


def _by_day_and_vehicle(counter: str, where: str = RAW_SPAN) -> str:
    return (
        f"select vehicle_id, {DAY} as day, max({counter}) - min({counter}) as used "
        f"from fleet.telemetry where {where} group by vehicle_id, {DAY}"
    )


QUESTIONS = [
    Question(
        "Distance by day",
        f"select local_date, distance_km as n from fleet.fleet_km_daily where local_date {SPAN} order by 1",
        f"select day, sum(used) as n from ({_by_day_and_vehicle('odometer_km')}) as d group by day order by 1",
    ),
    Question(
        "Fuel by day",
        "select local_date, sum(fuel_used_l) as n from fleet.trip_daily_stats "
        f"where local_date {SPAN} group by local_date order by 1",
        f"select day, sum(used) as n from ({_by_day_and_vehicle('fuel_used_total_l')}) as d group by day order by 1",
    ),
    Question(
        "Consumption by vehicle",
        "select vehicle_id, 100 * sum(rated_fuel_l) / nullif(sum(rated_fuel_km), 0) as n from fleet.trip_daily_stats "
        f"where local_date {SPAN} group by vehicle_id order by n desc nulls last, vehicle_id",
        "select vehicle_id, 100 * sum(litres) / nullif(sum(km), 0) as n from ("
        "select vehicle_id, max(fuel_used_total_l) - min(fuel_used_total_l) as litres, "
        f"max(odometer_km) - min(odometer_km) as km from fleet.telemetry where {RAW_SPAN} "
        f"group by vehicle_id, {DAY}) as d group by vehicle_id order by n desc nulls last, vehicle_id",
    ),
    Question(
        "Hours in use by vehicle",
        "select vehicle_id, sum(trip_s) / 3600 as n from fleet.vehicle_daily "
        f"where local_date {SPAN} group by vehicle_id order by n desc, vehicle_id",
        "select vehicle_id, sum(case when gap_s <= 300 then gap_s end) / 3600 as n from ("
        "select vehicle_id, extract(epoch from recorded_at - "
        "lag(recorded_at) over (partition by vehicle_id order by recorded_at)) as gap_s "
        f"from fleet.telemetry where {RAW_SPAN}) as g group by vehicle_id order by n desc, vehicle_id",
    ),
    Question(
        "Vehicles now",
        "select count(*) filter (where state = 'moving') as moving, "
        "count(*) filter (where state = 'idling') as idling, "
        "count(*) filter (where state = 'standing') as standing, count(*) filter (where state = 'silent') as n "
        "from fleet.fleet_today",
        "select count(*) filter (where seen_at >= timestamptz '{now}' - interval '15 minutes' "
        "and moved_at >= seen_at - interval '2 minutes') as moving, "
        "count(*) filter (where seen_at < timestamptz '{now}' - interval '15 minutes') as n from ("
        "select vehicle_id, max(recorded_at) as seen_at, "
        "max(case when speed_kmh > 1.6 then recorded_at end) as moved_at "
        "from fleet.telemetry group by vehicle_id) as v",
    ),
    Question(
        "Not moved today",
        "select count(*) as n from (select vehicle_id, last_moved_at, standing_days "
        "from fleet.vehicles_not_moved_today) as v",
        "select count(*) as n from (select vehicle_id, max(case when speed_kmh > 1.6 then recorded_at end) as moved_at "
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
        f"select day, used as n from ({_by_day_and_vehicle('odometer_km', OF_VEHICLE)}) as d order by 1",
    ),
]
