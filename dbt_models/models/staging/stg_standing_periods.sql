-- One row per stretch of a UTC day in which a vehicle was observed standing, or its engine or charger told of itself.
with source as (

    select * from {{ source('lake', 'standing_periods') }}

)

select
    vehicle_id,
    started_at,
    ended_at,
    is_standing,
    engine_on_s,
    idle_fuel_l
from source
