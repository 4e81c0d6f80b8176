-- One row per vehicle that is declared or was ever seen: the last that is known of it, and its day and midnight now.
with newest as (

    select
        vehicle_id,
        max(last_recorded_at) as last_seen_at,
        max(last_moved_at) as last_moved_at,
        max(positioned_at) as positioned_at
    from {{ ref('telemetry_daily') }}
    group by vehicle_id

),

driven as (

    select
        vehicle_id,
        max(last_ended_at) as last_trip_ended_at
    from {{ ref('vehicle_daily') }}
    group by vehicle_id

),

names as (

    select vehicle_id from {{ ref('stg_vehicles') }}
    union
    select vehicle_id from newest
    union
    select vehicle_id from driven

),

placed as (

    select
        names.vehicle_id,
        vehicles.name,
        coalesce(vehicles.timezone, '{{ var("default_timezone") }}') as timezone,
        newest.last_seen_at,
        newest.last_moved_at,
        newest.positioned_at,
        driven.last_trip_ended_at,
        {{ now() }} as now_at
    from names
    left join {{ ref('stg_vehicles') }} as vehicles on names.vehicle_id = vehicles.vehicle_id
    left join newest on names.vehicle_id = newest.vehicle_id
    left join driven on names.vehicle_id = driven.vehicle_id

)

select
    placed.vehicle_id,
    placed.name,
    placed.timezone,
    placed.now_at,
    {{ local_date('placed.now_at', 'placed.timezone') }} as local_date,
    {{ local_midnight(local_date('placed.now_at', 'placed.timezone'), 'placed.timezone') }} as midnight_at,
    placed.last_seen_at,
    placed.last_moved_at,
    placed.last_trip_ended_at,
    placed.positioned_at,
    position.latitude_deg,
    position.longitude_deg,
    state.speed_kmh,
    state.odometer_km,
    state.fuel_level_pct,
    state.soc_pct,
    case
        when placed.last_seen_at is null then 'never_seen'
        when placed.last_seen_at < placed.now_at - interval '{{ var("silent_after_min") }} minutes' then 'silent'
        when placed.last_moved_at >= placed.last_seen_at - interval '{{ var("moving_within_s") }} seconds' then 'moving'
        when state.is_engine_on then 'idling'
        else 'standing'
    end as state
from placed
left join
    {{ ref('telemetry_daily') }} as state
    on placed.vehicle_id = state.vehicle_id and placed.last_seen_at = state.last_recorded_at
left join
    {{ ref('telemetry_daily') }} as position
    on placed.vehicle_id = position.vehicle_id and placed.positioned_at = position.positioned_at
