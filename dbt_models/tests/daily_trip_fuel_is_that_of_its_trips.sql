-- Days of a vehicle whose fuel by trips is not the sum of the trips, and of the drives that nobody saw, that began on them.
with told as (
    select
        vehicle_id,
        local_date,
        trip_fuel_l
    from {{ ref('fuel_daily') }}
    where trip_fuel_l is not null
),

summed as (
    select
        vehicle_id,
        local_date,
        sum(fuel_used_l) as trip_fuel_l
    from {{ ref('stg_trips') }}
    where fuel_used_l is not null
    group by vehicle_id, local_date
)

{{ unequal('told', 'summed', ['vehicle_id', 'local_date'], ['trip_fuel_l']) }}
