-- One row per vehicle that stands with its engine on.
select
    vehicle_id,
    name,
    last_seen_at,
    last_moved_at,
    {{ seconds_between('last_moved_at', 'now_at') }} as standing_s,
    fuel_level_pct,
    latitude_deg,
    longitude_deg
from {{ vehicles_now() }} as vehicles
where state = 'idling'
