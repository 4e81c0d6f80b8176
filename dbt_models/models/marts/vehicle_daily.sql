-- One row per vehicle and local day of which anything is known: how the day was used.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('local_date'),
    meta={'day': 'local_date', 'touched_by': ['trips', 'stops']},
) }}

with times as (

    select * from {{ ref('int_vehicle_day_times') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}

),

trips as (

    select
        vehicle_id,
        local_date,
        count(*) as trip_count,
        {{ exact_sum('distance_km', 'started_at, trip_id') }} as distance_km,
        {{ exact_sum('moving_s', 'started_at, trip_id') }} as moving_s,
        {{ exact_sum('idle_s', 'started_at, trip_id') }} as trip_idle_s,
        min(started_at) as first_started_at,
        max(ended_at) as last_ended_at
    from (
        select *
        from {{ ref('stg_trips') }}
        {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, local_date, started_at, trip_id
    ) as ordered
    group by vehicle_id, local_date

),

stops as (

    select
        vehicle_id,
        local_date,
        count(*) as stop_count,
        {{ exact_sum('idle_s', 'started_at, stop_id') }} as stop_idle_s,
        {{ exact_sum('idle_fuel_l', 'started_at, stop_id') }} as stop_idle_fuel_l,
        sum(case when kind = 'refuelling' then 1 else 0 end) as refuelling_count,
        sum(case when kind = 'charging' then 1 else 0 end) as charging_count
    from (
        select *
        from {{ ref('stg_stops') }}
        {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, local_date, started_at, stop_id
    ) as ordered
    group by vehicle_id, local_date

)

select
    times.vehicle_id,
    times.local_date,
    times.day_s,
    times.trip_s,
    times.stop_s,
    {{ ratio('times.trip_s', 'times.day_s', 100) }} as utilisation_pct,
    {{ ratio('(times.trip_s + times.stop_s)', 'times.day_s', 100) }} as known_pct,
    coalesce(trips.trip_count, 0) as trip_count,
    coalesce(trips.distance_km, 0) as distance_km,
    coalesce(trips.moving_s, 0) as moving_s,
    coalesce(trips.trip_idle_s, 0) as trip_idle_s,
    trips.first_started_at,
    trips.last_ended_at,
    coalesce(stops.stop_count, 0) as stop_count,
    case when stops.vehicle_id is null then 0 else stops.stop_idle_s end as stop_idle_s,
    case when stops.vehicle_id is null then 0 else stops.stop_idle_fuel_l end as stop_idle_fuel_l,
    cast(coalesce(stops.refuelling_count, 0) as bigint) as refuelling_count,
    cast(coalesce(stops.charging_count, 0) as bigint) as charging_count
from times
left join trips on times.vehicle_id = trips.vehicle_id and times.local_date = trips.local_date
left join stops on times.vehicle_id = stops.vehicle_id and times.local_date = stops.local_date
