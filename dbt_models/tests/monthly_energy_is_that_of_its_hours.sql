-- Months of a vehicle whose energy out of the battery is not the sum of their hours.
with told as (
    select
        vehicle_id,
        month,
        all_energy_used_kwh
    from {{ ref('monthly_summary') }}
    where all_energy_used_kwh is not null
),

summed as (
    select
        vehicle_id,
        {{ month_of('local_date') }} as month,
        sum(energy_used_kwh) as all_energy_used_kwh
    from {{ ref('energy_hourly') }}
    where energy_used_kwh is not null
    group by vehicle_id, {{ month_of('local_date') }}
)

{{ unequal('told', 'summed', ['vehicle_id', 'month'], ['all_energy_used_kwh']) }}
