-- Days of a vehicle whose refuels, thefts and slow losses are not those events that began on them.
{% set amounts = ['refuelled_l', 'stolen_l', 'slow_loss_l', 'priced_l'] %}
{% set counts = {'refuel_count': 'refuel', 'theft_count': 'theft', 'slow_loss_count': 'slow_loss'} %}

with told as (
    select * from {{ ref('fuel_daily') }}
    where refuel_count + theft_count + slow_loss_count > 0
),

summed as (
    select
        vehicle_id,
        local_date,
        {%- for column, kind in counts.items() %}
        count(case when kind = '{{ kind }}' then 1 end) as {{ column }},
        {%- endfor %}
        {{ sum_of_each(amounts) }}
    from {{ ref('stg_fuel_events') }}
    where kind in ('refuel', 'theft', 'slow_loss')
    group by vehicle_id, local_date
)

{{ unequal('told', 'summed', ['vehicle_id', 'local_date'], (counts | list) + amounts) }}
