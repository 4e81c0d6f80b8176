-- Months of a vehicle whose charging is not the sum of their days.
{% set amounts = ['energy_added_kwh', 'energy_ac_kwh', 'l1_kwh', 'l2_kwh', 'dc_kwh'] %}

with told as (
    select
        vehicle_id,
        month,
        charging_session_count,
        {%- for column in amounts %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('monthly_summary') }}
    where
        charging_session_count > 0
        {%- for column in amounts %}
        or {{ column }} is not null
        {%- endfor %}
),

summed as (
    select
        vehicle_id,
        cast(date_trunc('month', local_date) as date) as month,
        sum(session_count) as charging_session_count,
        {%- for column in amounts %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('charging_daily') }}
    group by vehicle_id, cast(date_trunc('month', local_date) as date)
)

{{ unequal('told', 'summed', ['vehicle_id', 'month'], ['charging_session_count'] + amounts) }}
