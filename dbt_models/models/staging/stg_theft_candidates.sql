-- One row per fall of a tank that may be a theft.
with source as (

    select * from {{ source('lake', 'theft_candidates') }}

)

select
    event_id,
    vehicle_id,
    kind,
    started_at,
    ended_at,
    closed_at,
    local_date,
    volume_l,
    share_pct,
    size_over_noise,
    level_before_pct,
    is_engine_on,
    zone_id
from source
