-- One row per vehicle that is declared or was ever seen: the last that is known of it.
{{ config(materialized='table', indexes=on_postgres([{'columns': ['vehicle_id'], 'unique': True}])) }}

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
        max(last_ended_at) as last_trip_ended_at,
        max(last_unobserved_ended_at) as last_unobserved_ended_at
    from {{ ref('vehicle_daily') }}
    group by vehicle_id

),

names as (

    select vehicle_id from {{ ref('stg_vehicles') }}
    union
    select vehicle_id from newest
    union
    select vehicle_id from driven

)

select
    names.vehicle_id,
    vehicles.name,
    coalesce(vehicles.timezone, '{{ var("default_timezone") }}') as timezone,
    newest.last_seen_at,
    newest.last_moved_at,
    driven.last_trip_ended_at,
    newest.positioned_at,
    position.latitude_deg,
    position.longitude_deg,
    state.speed_kmh,
    state.is_engine_on,
    state.odometer_km,
    state.fuel_level_pct,
    state.soc_pct,
    driven.last_unobserved_ended_at
from names
left join {{ ref('stg_vehicles') }} as vehicles on names.vehicle_id = vehicles.vehicle_id
left join newest on names.vehicle_id = newest.vehicle_id
left join driven on names.vehicle_id = driven.vehicle_id
left join
    {{ ref('telemetry_daily') }} as state
    on newest.vehicle_id = state.vehicle_id and newest.last_seen_at = state.last_recorded_at
left join
    {{ ref('telemetry_daily') }} as position
    on newest.vehicle_id = position.vehicle_id and newest.positioned_at = position.positioned_at
