-- One row per trip or stop: a stretch of time of which it is known what the vehicle did, and its zone.
with spans as (

    select vehicle_id, started_at, ended_at, 'trip' as kind from {{ ref('stg_trips') }}
    union all
    select vehicle_id, started_at, ended_at, 'stop' as kind from {{ ref('stg_stops') }}

)

select
    spans.vehicle_id,
    spans.kind,
    spans.started_at,
    spans.ended_at,
    coalesce(vehicles.timezone, '{{ var("default_timezone") }}') as timezone
from spans
left join {{ ref('stg_vehicles') }} as vehicles on spans.vehicle_id = vehicles.vehicle_id
