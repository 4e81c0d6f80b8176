-- One row per vehicle that the fleet declares.
with source as (

    select * from {{ source('lake', 'vehicles') }}

)

select
    vehicle_id,
    name,
    powertrain,
    fuel,
    coalesce(timezone, '{{ var("default_timezone") }}') as timezone
from source
