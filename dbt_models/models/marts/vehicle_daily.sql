-- One row per vehicle and local day of which anything is known: how the day was used.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('local_date'),
    meta={'day': 'local_date', 'touched_by': ['trips', 'stops', 'standing_periods']},
) }}

with times as (

    select * from {{ ref('int_vehicle_day_times') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}

),

driven as (

    select * from {{ ref('trip_daily_stats') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}

),

bounds as (

    select
        vehicle_id,
        local_date,
        min(case when not is_unobserved then started_at end) as first_started_at,
        max(case when not is_unobserved then ended_at end) as last_ended_at,
        max(case when is_unobserved then ended_at end) as last_unobserved_ended_at
    from {{ ref('stg_trips') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
    group by vehicle_id, local_date

),

stops as (

    select
        vehicle_id,
        local_date,
        count(*) as stop_count,
        sum(case when kind = 'refuelling' then 1 else 0 end) as refuelling_count,
        sum(case when kind = 'charging' then 1 else 0 end) as charging_count
    from {{ ref('stg_stops') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
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
    coalesce(driven.trip_count, 0) as trip_count,
    coalesce(driven.distance_km, 0) as distance_km,
    coalesce(driven.moving_s, 0) as moving_s,
    case when driven.trip_count > 0 then driven.idle_s else 0 end as trip_idle_s,
    bounds.first_started_at,
    bounds.last_ended_at,
    coalesce(stops.stop_count, 0) as stop_count,
    times.stop_idle_s,
    times.stop_idle_fuel_l,
    cast(coalesce(stops.refuelling_count, 0) as bigint) as refuelling_count,
    cast(coalesce(stops.charging_count, 0) as bigint) as charging_count,
    times.unobserved_s,
    coalesce(driven.unobserved_km, 0) as unobserved_km,
    bounds.last_unobserved_ended_at
from times
left join driven on times.vehicle_id = driven.vehicle_id and times.local_date = driven.local_date
left join bounds on times.vehicle_id = bounds.vehicle_id and times.local_date = bounds.local_date
left join stops on times.vehicle_id = stops.vehicle_id and times.local_date = stops.local_date
