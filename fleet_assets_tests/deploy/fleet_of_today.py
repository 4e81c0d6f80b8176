"""A fleet of the last days, made by the database itself: enough rows for its planner to care, some in every panel.

Belongs here: statements that fill the lake's tables in PostgreSQL. Does not belong here: exact expectations.
"""

from __future__ import annotations

import psycopg

DAYS = 10
VEHICLES = 12

FILL = """
insert into vehicles (vehicle_id, name, powertrain, fuel, timezone)
select 'v' || n, 'Van ' || n, 'phev', 'diesel', 'Europe/Madrid' from generate_series(1, {vehicles}) n;

insert into telemetry (
    vehicle_id, recorded_at, source, latitude_deg, longitude_deg, speed_kmh, engine_speed_rpm, is_ignition_on,
    odometer_km, fuel_level_pct, soc_pct
)
select 'v' || n, at, 'can', 40 + n / 100.0, -3 - n / 100.0, case when n % 3 = 0 then 0 else 50 end, 900, true,
    1000, 50, 60
from generate_series(1, {vehicles}) n, generate_series(now() - interval '{days} days', now(), interval '30 seconds') at
-- Vehicle 5 fell silent two hours ago, vehicle 6 moved last two days ago.
where not (n = 5 and at > now() - interval '2 hours') and not (n = 6 and at > now() - interval '2 days');

insert into trips (
    trip_id, vehicle_id, started_at, ended_at, closed_at, local_date, start_reason, end_reason, duration_s, moving_s,
    idle_s, distance_km, distance_source, start_latitude_deg, start_longitude_deg, end_latitude_deg, end_longitude_deg,
    max_speed_kmh, point_count, coverage_pct, fuel_used_l, fuel_l_per_100km, energy_used_kwh, electric_energy_kwh,
    kwh_per_100km, electric_km, engine_km, is_truncated, rules_version
)
select
    md5(n || at::text), 'v' || n, at, at + interval '1 hour', at + interval '65 minutes',
    cast(at at time zone 'Europe/Madrid' as date), 'motion', 'stop', 3600, 3000, 60, 40, 'odometer', 40, -3, 41, -2, 90,
    120, 100, 2, 5, 3, 3, 15, 20, 20, false, 'test'
from
    generate_series(1, {vehicles}) n,
    generate_series(now() - interval '{days} days', now() - interval '2 hours', interval '3 hours') at
where n <> 6;

insert into stops (
    stop_id, vehicle_id, started_at, ended_at, closed_at, local_date, duration_s, idle_s, idle_fuel_l, kind,
    is_truncated, rules_version, fuel_level_change_pct
)
select
    md5(trip_id), vehicle_id, ended_at, ended_at + interval '2 hours', closed_at + interval '3 hours',
    cast(ended_at at time zone 'Europe/Madrid' as date), 7200, 30, 0.1, 'parking', false, 'test', 0
from trips where ended_at < now() - interval '4 hours';

analyze;
"""


def fill(connection: psycopg.Connection) -> None:
    """Fill the empty tables of the search path."""
    # The text is this module's own; the two numbers are its constants.
    connection.execute(FILL.format(vehicles=VEHICLES, days=DAYS))  # type: ignore[arg-type]
