-- Days of a vehicle whose fuel by the hour is not the sum of the hours that begin on them.
with told as (
    select
        vehicle_id,
        local_date,
        case when burned_source = 'hours' then burned_l end as burned_l,
        idle_fuel_l,
        known_hour_count,
        hour_count
    from {{ ref('fuel_daily') }}
    where hour_count > 0 or burned_source = 'hours'
),

summed as (
    select
        vehicle_id,
        local_date,
        sum(fuel_used_l) as burned_l,
        sum(fuel_standing_l) as idle_fuel_l,
        count(fuel_used_l) as known_hour_count,
        count(*) as hour_count
    from {{ ref('stg_hourly_use') }}
    where fuel_used_l is not null or engine_on_s > 0
    group by vehicle_id, local_date
)

{{ unequal(
    'told', 'summed', ['vehicle_id', 'local_date'], ['burned_l', 'idle_fuel_l', 'known_hour_count', 'hour_count']
) }}
