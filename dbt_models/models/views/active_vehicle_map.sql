-- One row per vehicle with a known position that is not silent: a point of the map of now.
select
    vehicle_id,
    name,
    state,
    positioned_at,
    latitude_deg,
    longitude_deg,
    speed_kmh,
    fuel_level_pct,
    soc_pct
from {{ vehicles_now() }} as vehicles
where state in ('moving', 'idling', 'standing') and positioned_at is not null
