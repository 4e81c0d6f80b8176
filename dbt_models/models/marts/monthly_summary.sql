-- One row per vehicle and local month in which a trip began: sums of its days.
with monthly as (

    select
        vehicle_id,
        cast(date_trunc('month', local_date) as date) as month,
        count(*) as active_day_count,
        sum(trip_count) as trip_count,
        sum(ev_only_trip_count) as ev_only_trip_count,
        sum(engine_trip_count) as engine_trip_count,
        sum(distance_km) as distance_km,
        sum(electric_km) as electric_km,
        sum(engine_km) as engine_km,
        sum(split_km) as split_km,
        sum(duration_s) as duration_s,
        sum(moving_s) as moving_s,
        sum(idle_s) as idle_s,
        sum(fuel_used_l) as fuel_used_l,
        sum(energy_used_kwh) as energy_used_kwh,
        sum(rated_fuel_l) as rated_fuel_l,
        sum(rated_fuel_km) as rated_fuel_km,
        sum(rated_energy_kwh) as rated_energy_kwh,
        sum(rated_electric_km) as rated_electric_km,
        max(max_speed_kmh) as max_speed_kmh,
        sum(elevation_gain_m) as elevation_gain_m
    from {{ ref('trip_daily_stats') }}
    group by vehicle_id, cast(date_trunc('month', local_date) as date)

)

select
    monthly.vehicle_id,
    monthly.month,
    monthly.active_day_count,
    cast(monthly.trip_count as bigint) as trip_count,
    cast(monthly.ev_only_trip_count as bigint) as ev_only_trip_count,
    cast(monthly.engine_trip_count as bigint) as engine_trip_count,
    monthly.distance_km,
    monthly.electric_km,
    monthly.engine_km,
    monthly.duration_s,
    monthly.moving_s,
    monthly.idle_s,
    monthly.fuel_used_l,
    monthly.energy_used_kwh,
    {{ ratio('monthly.rated_fuel_l', 'monthly.rated_fuel_km', 100) }} as fuel_l_per_100km,
    {{ ratio('monthly.rated_energy_kwh', 'monthly.rated_electric_km', 100) }} as kwh_per_100km,
    {{ ratio('monthly.electric_km', 'monthly.split_km', 100) }} as electric_share_pct,
    case
        when vehicles.powertrain = 'bev' then 0
        when vehicles.fuel = 'diesel' then monthly.fuel_used_l * {{ var('diesel_co2_kg_per_l') }}
        when vehicles.fuel = 'petrol' then monthly.fuel_used_l * {{ var('petrol_co2_kg_per_l') }}
    end as co2_kg,
    monthly.max_speed_kmh,
    monthly.elevation_gain_m,
    monthly.rated_fuel_l,
    monthly.rated_fuel_km,
    monthly.rated_energy_kwh,
    monthly.rated_electric_km,
    monthly.split_km
from monthly
left join {{ ref('stg_vehicles') }} as vehicles on monthly.vehicle_id = vehicles.vehicle_id
