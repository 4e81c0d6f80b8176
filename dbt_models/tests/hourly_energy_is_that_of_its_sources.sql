-- Hours of a vehicle that hold not the fuel and energy of hourly_use, or not what charging put in.
with parts as (
    select
        vehicle_id,
        hour_at,
        distance_km,
        fuel_used_l,
        energy_used_kwh,
        cast(null as float8) as energy_charged_kwh
    from {{ ref('stg_hourly_use') }}
    union all
    select
        vehicle_id,
        hour_at,
        null as distance_km,
        null as fuel_used_l,
        null as energy_used_kwh,
        energy_added_kwh as energy_charged_kwh
    from {{ ref('stg_charging_hours') }}
),

summed as (
    select
        vehicle_id,
        hour_at,
        sum(distance_km) as distance_km,
        sum(fuel_used_l) as fuel_used_l,
        sum(energy_used_kwh) as energy_used_kwh,
        sum(energy_charged_kwh) as energy_charged_kwh
    from parts
    group by vehicle_id, hour_at
)

{{ unequal(
    ref('energy_hourly'), 'summed', ['vehicle_id', 'hour_at'],
    ['distance_km', 'fuel_used_l', 'energy_used_kwh', 'energy_charged_kwh'],
) }}
