-- One row per stay of a vehicle between two trips.
with source as (

    select * from {{ source('lake', 'stops') }}

)

select
    stop_id,
    vehicle_id,
    started_at,
    ended_at,
    closed_at,
    local_date,
    duration_s,
    idle_s,
    idle_fuel_l,
    kind
from source
