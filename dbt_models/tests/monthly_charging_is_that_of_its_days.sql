-- Months of a vehicle whose charging is not the sum of their days.
{% set amounts = ['energy_added_kwh', 'energy_ac_kwh', 'l1_kwh', 'l2_kwh', 'dc_kwh'] %}

with told as (
    select
        vehicle_id,
        month,
        charging_session_count,
        {{ amounts | join(', ') }}
    from {{ ref('monthly_summary') }}
    where charging_session_count > 0 or coalesce({{ amounts | join(', ') }}) is not null
),

summed as (
    select
        vehicle_id,
        {{ month_of('local_date') }} as month,
        sum(session_count) as charging_session_count,
        {{ sum_of_each(amounts) }}
    from {{ ref('charging_daily') }}
    group by vehicle_id, {{ month_of('local_date') }}
)

{{ unequal('told', 'summed', ['vehicle_id', 'month'], ['charging_session_count'] + amounts) }}
