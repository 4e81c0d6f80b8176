-- One row per vehicle and local day on which a trip, or a drive that nobody saw, began.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('local_date'),
    meta={'day': 'local_date', 'touched_by': ['trips']},
) }}

with drives as (

    select
        *,
        ev_only_trip as ev_only_trip_count,
        engine_trip as engine_trip_count
    from {{ ref('stg_trips') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}

),

observed as (

    select
        vehicle_id,
        local_date,
        count(*) as trip_count,
        {{ trip_sums('started_at, trip_id') }},
        min(kwh_per_100km) as best_kwh_per_100km,
        max(kwh_per_100km) as worst_kwh_per_100km,
        {{ exact_sum('timed_km', 'started_at, trip_id') }} as timed_km,
        {{ exact_sum('ambient_temp_c_s', 'started_at, trip_id') }} as ambient_temp_c_s,
        {{ exact_sum('ambient_s', 'started_at, trip_id') }} as ambient_s,
        min(ambient_temp_c) as min_ambient_temp_c,
        max(ambient_temp_c) as max_ambient_temp_c
    from (select * from drives where not is_unobserved order by vehicle_id, local_date, started_at, trip_id) as ordered
    group by vehicle_id, local_date

),

unobserved as (

    select
        vehicle_id,
        local_date,
        count(*) as unobserved_count,
        {{ exact_sum('distance_km', 'started_at, trip_id') }} as unobserved_km,
        {{ exact_sum('fuel_used_l', 'started_at, trip_id') }} as unobserved_fuel_l,
        {{ exact_sum('known_fuel_km', 'started_at, trip_id') }} as known_fuel_km
    from (select * from drives where is_unobserved order by vehicle_id, local_date, started_at, trip_id) as ordered
    group by vehicle_id, local_date

),

days as (

    select vehicle_id, local_date from observed
    union
    select vehicle_id, local_date from unobserved

)

select
    days.vehicle_id,
    days.local_date,
    coalesce(observed.trip_count, 0) as trip_count,
    observed.ev_only_trip_count,
    observed.engine_trip_count,
    coalesce(observed.distance_km, 0) as distance_km,
    observed.electric_km,
    observed.engine_km,
    coalesce(observed.duration_s, 0) as duration_s,
    coalesce(observed.moving_s, 0) as moving_s,
    observed.idle_s,
    observed.fuel_used_l,
    observed.energy_used_kwh,
    {{ ratio('observed.rated_fuel_l', 'observed.rated_fuel_km', 100) }} as fuel_l_per_100km,
    {{ ratio('observed.rated_energy_kwh', 'observed.rated_electric_km', 100) }} as kwh_per_100km,
    observed.best_kwh_per_100km,
    observed.worst_kwh_per_100km,
    {{ ratio('observed.distance_km', 'observed.trip_count') }} as avg_trip_distance_km,
    observed.max_speed_kmh,
    {{ ratio('observed.timed_km', 'observed.moving_s', 3600) }} as avg_speed_kmh,
    observed.elevation_gain_m,
    {{ ratio('observed.ambient_temp_c_s', 'observed.ambient_s') }} as avg_ambient_temp_c,
    observed.min_ambient_temp_c,
    observed.max_ambient_temp_c,
    observed.rated_fuel_l,
    observed.rated_fuel_km,
    observed.rated_energy_kwh,
    observed.rated_electric_km,
    observed.split_km,
    coalesce(unobserved.unobserved_count, 0) as unobserved_count,
    coalesce(unobserved.unobserved_km, 0) as unobserved_km,
    unobserved.unobserved_fuel_l,
    {{ sum_of_known('observed.known_fuel_km', 'unobserved.known_fuel_km') }} as known_fuel_km
from days
left join observed on days.vehicle_id = observed.vehicle_id and days.local_date = observed.local_date
left join unobserved on days.vehicle_id = unobserved.vehicle_id and days.local_date = unobserved.local_date
