-- One row per vehicle and local month in which a trip, or a drive that nobody saw, began: sums of its days.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('month'),
    meta={'day': 'month', 'touched_by': ['trips'], 'grain': 'month'},
) }}

with days as (

    select
        *,
        cast(date_trunc('month', local_date) as date) as month,
        coalesce(fuel_used_l + unobserved_fuel_l, fuel_used_l, unobserved_fuel_l) as burned_l
    from {{ ref('trip_daily_stats') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
    order by vehicle_id, local_date

),

monthly as (

    select
        vehicle_id,
        month,
        count(case when distance_km + unobserved_km > 0 then 1 end) as active_day_count,
        cast(sum(trip_count) as bigint) as trip_count,
        {{ trip_sums('local_date') }},
        cast(sum(unobserved_count) as bigint) as unobserved_count,
        {{ exact_sum('unobserved_km', 'local_date') }} as unobserved_km,
        {{ exact_sum('unobserved_fuel_l', 'local_date') }} as unobserved_fuel_l,
        {{ exact_sum('burned_l', 'local_date') }} as burned_l
    from days
    group by vehicle_id, month

)

select
    monthly.vehicle_id,
    monthly.month,
    monthly.active_day_count,
    monthly.trip_count,
    monthly.ev_only_trip_count,
    monthly.engine_trip_count,
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
        when vehicles.fuel = 'diesel' then monthly.burned_l * {{ var('diesel_co2_kg_per_l') }}
        when vehicles.fuel = 'petrol' then monthly.burned_l * {{ var('petrol_co2_kg_per_l') }}
    end as co2_kg,
    monthly.max_speed_kmh,
    monthly.elevation_gain_m,
    monthly.rated_fuel_l,
    monthly.rated_fuel_km,
    monthly.rated_energy_kwh,
    monthly.rated_electric_km,
    monthly.split_km,
    monthly.unobserved_count,
    monthly.unobserved_km,
    monthly.unobserved_fuel_l
from monthly
left join {{ ref('stg_vehicles') }} as vehicles on monthly.vehicle_id = vehicles.vehicle_id
