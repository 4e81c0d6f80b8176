-- Days of a vehicle whose charging is not the sum of the plug-ins that began on them.
{% set amounts = ['energy_added_kwh', 'energy_ac_kwh', 'charging_s', 'plugged_s', 'paid_kwh', 'priced_kwh'] %}

with summed as (
    select
        vehicle_id,
        local_date,
        count(*) as session_count,
        {{ sum_of_each(amounts) }}
    from {{ ref('stg_charging_sessions') }}
    group by vehicle_id, local_date
)

{{ unequal(ref('charging_daily'), 'summed', ['vehicle_id', 'local_date'], ['session_count'] + amounts) }}
