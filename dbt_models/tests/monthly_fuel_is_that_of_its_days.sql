-- Months of a vehicle whose fuel is not the sum of their days.
{% set amounts = ['burned_l', 'idle_fuel_l', 'refuelled_l', 'lost_l'] %}

with told as (
    select
        vehicle_id,
        month,
        {{ amounts | join(', ') }},
        burned_by_trips_l
    from {{ ref('monthly_summary') }}
    where coalesce({{ amounts | join(', ') }}) is not null
),

summed as (
    select
        vehicle_id,
        {{ month_of('local_date') }} as month,
        {{ sum_of_each(amounts) }},
        sum(case when burned_source = 'trips' then burned_l end) as burned_by_trips_l
    from {{ ref('fuel_daily') }}
    where coalesce({{ amounts | join(', ') }}) is not null
    group by vehicle_id, {{ month_of('local_date') }}
)

{{ unequal('told', 'summed', ['vehicle_id', 'month'], amounts + ['burned_by_trips_l']) }}
