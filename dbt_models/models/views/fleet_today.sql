-- One row per vehicle: its local day so far, and what it does now.
select
    vehicles.vehicle_id,
    vehicles.name,
    vehicles.local_date,
    vehicles.state,
    vehicles.last_seen_at,
    vehicles.last_moved_at,
    coalesce(today.trip_count, 0) as trip_count,
    coalesce(today.distance_km, 0) as distance_km,
    coalesce(today.moving_s, 0) as moving_s,
    case when today.trip_count > 0 then today.trip_idle_s else 0 end as idle_s,
    today.first_started_at,
    today.last_ended_at,
    vehicles.speed_kmh,
    vehicles.odometer_km,
    vehicles.fuel_level_pct,
    vehicles.soc_pct,
    vehicles.positioned_at,
    vehicles.latitude_deg,
    vehicles.longitude_deg,
    coalesce(today.unobserved_km, 0) as unobserved_km
from {{ vehicles_now() }} as vehicles
left join
    {{ ref('vehicle_daily') }} as today
    on vehicles.vehicle_id = today.vehicle_id and vehicles.local_date = today.local_date
