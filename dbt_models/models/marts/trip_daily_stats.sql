-- One row per vehicle and local day on which a trip began.
with daily as (

    select
        vehicle_id,
        local_date,
        count(*) as trip_count,
        sum(ev_only_trip) as ev_only_trip_count,
        sum(engine_trip) as engine_trip_count,
        sum(distance_km) as distance_km,
        sum(electric_km) as electric_km,
        sum(engine_km) as engine_km,
        sum(split_km) as split_km,
        sum(duration_s) as duration_s,
        sum(moving_s) as moving_s,
        sum(idle_s) as idle_s,
        sum(fuel_used_l) as fuel_used_l,
        sum(energy_used_kwh) as energy_used_kwh,
        sum(rated_fuel_l) as rated_fuel_l,
        sum(rated_fuel_km) as rated_fuel_km,
        sum(rated_energy_kwh) as rated_energy_kwh,
        sum(rated_electric_km) as rated_electric_km,
        min(kwh_per_100km) as best_kwh_per_100km,
        max(kwh_per_100km) as worst_kwh_per_100km,
        sum(timed_km) as timed_km,
        max(max_speed_kmh) as max_speed_kmh,
        sum(elevation_gain_m) as elevation_gain_m,
        sum(ambient_temp_c_s) as ambient_temp_c_s,
        sum(ambient_s) as ambient_s,
        min(ambient_temp_c) as min_ambient_temp_c,
        max(ambient_temp_c) as max_ambient_temp_c
    from {{ ref('stg_trips') }}
    group by vehicle_id, local_date

)

select
    vehicle_id,
    local_date,
    trip_count,
    cast(ev_only_trip_count as bigint) as ev_only_trip_count,
    cast(engine_trip_count as bigint) as engine_trip_count,
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
