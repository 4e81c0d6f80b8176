-- One row per vehicle and UTC hour in which anything was known, on the local day and hour in which it begins.
with source as (

    select
        hours.*,
        coalesce(vehicles.timezone, '{{ var("default_timezone") }}') as timezone
    from {{ source('lake', 'hourly_use') }} as hours
    left join {{ ref('stg_vehicles') }} as vehicles on hours.vehicle_id = vehicles.vehicle_id

)

select
    vehicle_id,
    hour_at,
    {{ local_date('hour_at', 'timezone') }} as local_date,
    cast(extract(hour from (hour_at at time zone timezone)) as bigint) as local_hour,
    observed_s,
    distance_km,
    moving_s,
    idle_s,
    engine_on_s,
    fuel_used_l,
    fuel_moving_l,
    fuel_standing_l,
    energy_used_kwh
from source
