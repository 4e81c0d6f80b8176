-- One row per trip, or drive that nobody saw, with a known start and end position.
select
    trips.trip_id,
    trips.vehicle_id,
    vehicles.name,
    trips.local_date,
    trips.started_at,
    trips.ended_at,
    trips.duration_s,
    trips.distance_km,
    trips.start_latitude_deg,
    trips.start_longitude_deg,
    trips.end_latitude_deg,
    trips.end_longitude_deg,
    '{"type":"LineString","coordinates":[['
    || {{ decimal_text('trips.start_longitude_deg') }} || ',' || {{ decimal_text('trips.start_latitude_deg') }} || '],['
    || {{ decimal_text('trips.end_longitude_deg') }} || ',' || {{ decimal_text('trips.end_latitude_deg') }}
    || ']]}' as geojson,
    trips.start_reason = 'unobserved' as is_unobserved
from {{ source('lake', 'trips') }} as trips
left join {{ source('lake', 'vehicles') }} as vehicles on trips.vehicle_id = vehicles.vehicle_id
where
    trips.start_latitude_deg is not null
    and trips.start_longitude_deg is not null
    and trips.end_latitude_deg is not null
    and trips.end_longitude_deg is not null
