-- One row per position of a vehicle: ask for one vehicle and a span of recorded_at.
select
    vehicle_id,
    recorded_at,
    source,
    latitude_deg,
    longitude_deg,
    altitude_m,
    heading_deg,
    coalesce(speed_kmh, gps_speed_kmh) as speed_kmh,
    odometer_km,
    fuel_level_pct,
    soc_pct
from {{ source('lake', 'telemetry') }}
where latitude_deg is not null and longitude_deg is not null
