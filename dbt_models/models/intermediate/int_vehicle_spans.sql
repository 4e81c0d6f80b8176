-- One row per trip, unobserved drive, stop or standing period: a stretch of time of which something is known, and its zone.
with spans as (

    select
        vehicle_id,
        started_at,
        ended_at,
        case when is_unobserved then 'unobserved' else 'trip' end as kind,
        true as is_known,
        cast(null as float8) as engine_on_s,
        cast(null as float8) as idle_fuel_l
    from {{ ref('stg_trips') }}
    union all
    select
        vehicle_id,
        started_at,
        ended_at,
        'stop' as kind,
        true as is_known,
        cast(null as float8) as engine_on_s,
        cast(null as float8) as idle_fuel_l
    from {{ ref('stg_stops') }}
    union all
    select
        vehicle_id,
        started_at,
        ended_at,
        'standing' as kind,
        is_standing as is_known,
        engine_on_s,
        idle_fuel_l
    from {{ ref('stg_standing_periods') }}

)

select
    spans.vehicle_id,
    spans.kind,
    spans.started_at,
    spans.ended_at,
    spans.is_known,
    spans.engine_on_s,
    spans.idle_fuel_l,
    coalesce(vehicles.timezone, '{{ var("default_timezone") }}') as timezone
from spans
left join {{ ref('stg_vehicles') }} as vehicles on spans.vehicle_id = vehicles.vehicle_id
