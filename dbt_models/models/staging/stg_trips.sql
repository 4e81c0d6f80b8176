-- One row per trip or drive that nobody saw, with what the marts add up. Ratios only count trips long enough to have
-- one of their own.
with source as (

    select * from {{ source('lake', 'trips') }}

)

select
    trip_id,
    vehicle_id,
    started_at,
    ended_at,
    closed_at,
    local_date,
    start_reason = 'unobserved' as is_unobserved,
    start_latitude_deg,
    start_longitude_deg,
    end_latitude_deg,
    end_longitude_deg,
    duration_s,
    moving_s,
    idle_s,
    distance_km,
    max_speed_kmh,
    elevation_gain_m,
    ambient_temp_c,
    fuel_used_l,
    energy_used_kwh,
    electric_energy_kwh,
    kwh_per_100km,
    electric_km,
    engine_km,
    case when electric_km is not null then distance_km end as split_km,
    case when fuel_used_l is not null then distance_km end as known_fuel_km,
    case when fuel_l_per_100km is not null then fuel_used_l end as rated_fuel_l,
    case when fuel_l_per_100km is not null then distance_km end as rated_fuel_km,
    case when kwh_per_100km is not null then electric_energy_kwh end as rated_energy_kwh,
    case when kwh_per_100km is not null then electric_km end as rated_electric_km,
    case when moving_s > 0 then distance_km end as timed_km,
    case when ambient_temp_c is not null then ambient_temp_c * duration_s end as ambient_temp_c_s,
    case when ambient_temp_c is not null then duration_s end as ambient_s,
    case when engine_km is not null then (case when engine_km > 0 then 1 else 0 end) end as engine_trip,
    case
        when electric_km is not null then (case when electric_km > 0 and engine_km = 0 then 1 else 0 end)
        when engine_km is not null then 0
    end as ev_only_trip
from source
