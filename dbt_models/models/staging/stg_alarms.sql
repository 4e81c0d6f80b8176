-- One row per alarm, told once.
with source as (

    select * from {{ source('lake', 'alarms') }}

)

select
    alarm_id,
    vehicle_id,
    source,
    kind,
    closed_at,
    event_id,
    value,
    threshold,
    latitude_deg,
    longitude_deg
from source
