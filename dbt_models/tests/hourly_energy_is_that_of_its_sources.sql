-- Vehicles whose hours hold not the fuel and energy of hourly_use, or not what charging put in (beyond the rounding of a
-- sum).
with told as (
    select
        vehicle_id,
        coalesce(sum(fuel_used_l), 0) as fuel_l,
        coalesce(sum(energy_used_kwh), 0) as used_kwh,
        coalesce(sum(energy_charged_kwh), 0) as charged_kwh
    from {{ ref('energy_hourly') }}
    group by vehicle_id
),

used as (
    select vehicle_id, coalesce(sum(fuel_used_l), 0) as fuel_l, coalesce(sum(energy_used_kwh), 0) as used_kwh
    from {{ ref('stg_hourly_use') }}
    group by vehicle_id
),

charged as (
    select vehicle_id, coalesce(sum(energy_added_kwh), 0) as charged_kwh
    from {{ ref('stg_charging_hours') }}
    group by vehicle_id
)

select told.*
from told
left join used on told.vehicle_id = used.vehicle_id
left join charged on told.vehicle_id = charged.vehicle_id
where
    abs(told.fuel_l - coalesce(used.fuel_l, 0)) > 1e-6 * (1 + told.fuel_l)
    or abs(told.used_kwh - coalesce(used.used_kwh, 0)) > 1e-6 * (1 + abs(told.used_kwh))
    or abs(told.charged_kwh - coalesce(charged.charged_kwh, 0)) > 1e-6 * (1 + abs(told.charged_kwh))
