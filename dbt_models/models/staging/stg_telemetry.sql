-- One row per vehicle and instant at which anything was observed, with what the marts and views read of it.
with source as (

    select * from {{ source('lake', 'telemetry') }}

)

select
    vehicle_id,
    recorded_at,
    source,
    latitude_deg,
    longitude_deg,
    altitude_m,
    heading_deg,
    coalesce(speed_kmh, gps_speed_kmh) as speed_kmh,
    coalesce(speed_kmh > {{ var('moving_above_kmh') }}, gps_speed_kmh > {{ var('gps_moving_above_kmh') }}) as is_moving,
    {{ is_engine_on() }} as is_engine_on,
    odometer_km,
    fuel_level_pct,
    soc_pct
from source
