-- Hours of a vehicle whose charging is not the sum of what its power sessions have in them.
{% set amounts = ['energy_added_kwh', 'energy_ac_kwh', 'charging_s', 'paid_kwh', 'priced_kwh'] %}

with summed as (
    select
        vehicle_id,
        hour_at,
        {{ sum_of_each(amounts) }}
    from {{ ref('stg_charging_hours') }}
    group by vehicle_id, hour_at
)

{{ unequal(ref('charging_hourly_stats'), 'summed', ['vehicle_id', 'hour_at'], amounts) }}
