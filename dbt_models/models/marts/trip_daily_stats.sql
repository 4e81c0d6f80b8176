-- One row per vehicle and local day on which a trip began.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('local_date'),
    meta={'day': 'local_date', 'touched_by': ['trips']},
) }}

with trips as (

    select
        *,
        ev_only_trip as ev_only_trip_count,
        engine_trip as engine_trip_count
    from {{ ref('stg_trips') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
    order by vehicle_id, local_date, started_at, trip_id

),

daily as (

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
    from trips
    group by vehicle_id, local_date

)

select
    vehicle_id,
    local_date,
    trip_count,
    ev_only_trip_count,
    engine_trip_count,
    distance_km,
    electric_km,
    engine_km,
    duration_s,
    moving_s,
    idle_s,
    fuel_used_l,
    energy_used_kwh,
    {{ ratio('rated_fuel_l', 'rated_fuel_km', 100) }} as fuel_l_per_100km,
    {{ ratio('rated_energy_kwh', 'rated_electric_km', 100) }} as kwh_per_100km,
    best_kwh_per_100km,
    worst_kwh_per_100km,
    {{ ratio('distance_km', 'trip_count') }} as avg_trip_distance_km,
    max_speed_kmh,
    {{ ratio('timed_km', 'moving_s', 3600) }} as avg_speed_kmh,
    elevation_gain_m,
    {{ ratio('ambient_temp_c_s', 'ambient_s') }} as avg_ambient_temp_c,
    min_ambient_temp_c,
    max_ambient_temp_c,
    rated_fuel_l,
    rated_fuel_km,
    rated_energy_kwh,
    rated_electric_km,
    split_km
from daily
