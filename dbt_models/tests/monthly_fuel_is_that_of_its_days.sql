-- Months of a vehicle whose fuel is not the sum of their days.
{% set amounts = ['burned_l', 'idle_fuel_l', 'refuelled_l', 'lost_l'] %}

with told as (
    select
        vehicle_id,
        month,
        {%- for column in amounts %}
        {{ column }},
        {%- endfor %}
        burned_by_trips_l
    from {{ ref('monthly_summary') }}
    where {% for column in amounts %}{{ column }} is not null{{ ' or ' if not loop.last }}{% endfor %}
),

summed as (
    select
        vehicle_id,
        cast(date_trunc('month', local_date) as date) as month,
        {%- for column in amounts %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        sum(case when burned_source = 'trips' then burned_l end) as burned_by_trips_l
    from {{ ref('fuel_daily') }}
    where {% for column in amounts %}{{ column }} is not null{{ ' or ' if not loop.last }}{% endfor %}
    group by vehicle_id, cast(date_trunc('month', local_date) as date)
)

{{ unequal('told', 'summed', ['vehicle_id', 'month'], amounts + ['burned_by_trips_l']) }}
