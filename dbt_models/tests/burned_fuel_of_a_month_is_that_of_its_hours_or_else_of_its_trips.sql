-- Months of a vehicle whose days burned not what their hours tell, or, where no hour tells any, what their trips tell: never
-- both, for an hour in which a counter is read may hold what trips of other days burned.
with told as (
    select
        vehicle_id,
        {{ month_of('local_date') }} as month,
        sum(burned_l) as burned_l
    from {{ ref('fuel_daily') }}
    where burned_l is not null
    group by vehicle_id, {{ month_of('local_date') }}
),

parts as (
    select
        vehicle_id,
        local_date,
        fuel_used_l as by_hours_l,
        cast(null as float8) as by_trips_l
    from {{ ref('stg_hourly_use') }}
    union all
    select
        vehicle_id,
        local_date,
        null as by_hours_l,
        fuel_used_l as by_trips_l
    from {{ ref('stg_trips') }}
),

summed as (
    select
        vehicle_id,
        {{ month_of('local_date') }} as month,
        coalesce(sum(by_hours_l), sum(by_trips_l)) as burned_l
    from parts
    where by_hours_l is not null or by_trips_l is not null
    group by vehicle_id, {{ month_of('local_date') }}
)

{{ unequal('told', 'summed', ['vehicle_id', 'month'], ['burned_l']) }}
