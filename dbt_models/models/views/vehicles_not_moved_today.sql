-- One row per vehicle that has not moved since its local midnight, as far as is known.
with moved as (

    select
        *,
        greatest(last_moved_at, last_trip_ended_at, last_unobserved_ended_at) as moved_at
    from {{ vehicles_now() }} as vehicles

)

select
    vehicle_id,
    name,
    local_date,
    state,
    moved_at as last_moved_at,
    cast(local_date - {{ local_date('moved_at', 'timezone') }} as bigint) as standing_days,
    last_seen_at,
    positioned_at,
    latitude_deg,
    longitude_deg
from moved
where moved_at is null or moved_at < midnight_at
