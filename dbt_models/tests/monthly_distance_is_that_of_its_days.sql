-- Months of a vehicle whose trips and drives, or the distance of either, are not those of their days.
{% set amounts = ['trip_count', 'distance_km', 'unobserved_count', 'unobserved_km'] %}

with told as (
    select
        vehicle_id,
        month,
        {{ amounts | join(', ') }}
    from {{ ref('monthly_summary') }}
    where {{ amounts | join(' + ') }} > 0
),

summed as (
    select
        vehicle_id,
        {{ month_of('local_date') }} as month,
        {{ sum_of_each(amounts) }}
    from {{ ref('trip_daily_stats') }}
    group by vehicle_id, {{ month_of('local_date') }}
)

{{ unequal('told', 'summed', ['vehicle_id', 'month'], amounts) }}
