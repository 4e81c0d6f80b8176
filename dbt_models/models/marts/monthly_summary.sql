-- One row per vehicle and local month of which a day is known, by drives, fuel or charging: sums of its days.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('month'),
    meta={
        'day': 'month',
        'touched_by': [
            'trips', 'stops', 'standing_periods', 'hourly_use', 'fuel_events', 'charging_sessions', 'charging_hours',
        ],
        'remade_by': 'month',
    },
) }}

with monthly as (

    select
        vehicle_id,
        month,
        count(case when distance_km + unobserved_km > 0 then 1 end) as active_day_count,
        cast(sum(trip_count) as bigint) as trip_count,
        {{ trip_sums('local_date') }},
        cast(sum(unobserved_count) as bigint) as unobserved_count,
        {{ exact_sum('unobserved_km', 'local_date') }} as unobserved_km,
        {{ exact_sum('unobserved_fuel_l', 'local_date') }} as unobserved_fuel_l
    from {{ of_months(ref('trip_daily_stats')) }}
    group by vehicle_id, month

),

fuel as (

    select
        vehicle_id,
        month,
        {{ exact_sum('burned_l', 'local_date') }} as burned_l,
        {{ exact_sum("case when burned_source = 'trips' then burned_l end", 'local_date') }} as burned_by_trips_l,
        {{ exact_sum('idle_fuel_l', 'local_date') }} as idle_fuel_l,
        sum(known_hour_count) as known_hour_count,
        sum(hour_count) as hour_count,
        sum(refuel_count) as refuel_count,
        sum(refuel_known_count) as refuel_known_count,
        sum(theft_count + slow_loss_count) as loss_count,
        sum(loss_known_count) as loss_known_count,
        {{ exact_sum('refuelled_l', 'local_date') }} as refuelled_l,
        {{ exact_sum('lost_l', 'local_date') }} as lost_l,
        {{ exact_sum('priced_l', 'local_date') }} as priced_l,
        {{ cost_sum('refuel_cost', 'currency', 'local_date', 'priced_l') }} as fuel_cost,
        {{ one_currency('refuel_cost', 'currency', 'priced_l') }} as fuel_currency
    from {{ of_months(ref('fuel_daily')) }}
    group by vehicle_id, month

),

charging as (

    select
        vehicle_id,
        month,
        cast(sum(session_count) as bigint) as charging_session_count,
        sum(charged_session_count) as charged_session_count,
        sum(known_count) as known_count,
        {% for column in ['l1_kwh', 'l2_kwh', 'dc_kwh', 'energy_added_kwh', 'energy_ac_kwh', 'paid_kwh', 'priced_kwh'] -%}
        {{ exact_sum(column, 'local_date') }} as {{ column }},
        {% endfor -%}
        {{ cost_sum('cost', 'currency', 'local_date', 'priced_kwh') }} as charging_cost,
        {{ one_currency('cost', 'currency', 'priced_kwh') }} as charging_currency
    from {{ of_months(ref('charging_daily')) }}
    group by vehicle_id, month

),

energy as (

    select
        vehicle_id,
        month,
        {{ exact_sum('energy_used_kwh', 'hour_at') }} as all_energy_used_kwh
    from {{ of_months(ref('energy_hourly'), 'hour_at') }}
    group by vehicle_id, month

),

months as (

    select vehicle_id, month from monthly
    union
    select vehicle_id, month from fuel
    union
    select vehicle_id, month from charging
    union
    select vehicle_id, month from energy where all_energy_used_kwh is not null

)

select
    months.vehicle_id,
    months.month,
    coalesce(monthly.active_day_count, 0) as active_day_count,
    coalesce(monthly.trip_count, 0) as trip_count,
    monthly.ev_only_trip_count,
    monthly.engine_trip_count,
    coalesce(monthly.distance_km, 0) as distance_km,
    monthly.electric_km,
    monthly.engine_km,
    coalesce(monthly.duration_s, 0) as duration_s,
    coalesce(monthly.moving_s, 0) as moving_s,
    monthly.idle_s,
    monthly.fuel_used_l,
    monthly.energy_used_kwh,
    {{ ratio('monthly.rated_fuel_l', 'monthly.rated_fuel_km', 100) }} as fuel_l_per_100km,
    {{ ratio('monthly.rated_energy_kwh', 'monthly.rated_electric_km', 100) }} as kwh_per_100km,
    {{ ratio('monthly.electric_km', 'monthly.split_km', 100) }} as electric_share_pct,
    case
        when vehicles.powertrain = 'bev' then 0
        when vehicles.fuel = 'diesel' then fuel.burned_l * {{ stated_number('diesel_co2_kg_per_l', 'kg/l', least=0, most=10) }}
        when vehicles.fuel = 'petrol' then fuel.burned_l * {{ stated_number('petrol_co2_kg_per_l', 'kg/l', least=0, most=10) }}
    end as co2_kg,
    monthly.max_speed_kmh,
    monthly.elevation_gain_m,
    monthly.rated_fuel_l,
    monthly.rated_fuel_km,
    monthly.rated_energy_kwh,
    monthly.rated_electric_km,
    monthly.split_km,
    coalesce(monthly.unobserved_count, 0) as unobserved_count,
    coalesce(monthly.unobserved_km, 0) as unobserved_km,
    monthly.unobserved_fuel_l,
    monthly.known_fuel_km,
    {{ ratio('monthly.known_fuel_km', '(monthly.distance_km + monthly.unobserved_km)', 100) }} as trip_fuel_known_pct,
    fuel.burned_l,
    fuel.burned_by_trips_l,
    fuel.idle_fuel_l,
    {{ ratio('cast(fuel.known_hour_count as float8)', 'fuel.hour_count', 100) }} as burned_known_pct,
    {{ ratio('cast(fuel.refuel_known_count as float8)', 'fuel.refuel_count', 100) }} as refuel_known_pct,
    fuel.refuelled_l,
    fuel.lost_l,
    {{ ratio('cast(fuel.loss_known_count as float8)', 'fuel.loss_count', 100) }} as loss_known_pct,
    fuel.fuel_cost,
    fuel.fuel_currency,
    {{ ratio('fuel.priced_l', 'fuel.refuelled_l', 100) }} as fuel_priced_pct,
    energy.all_energy_used_kwh,
    coalesce(charging.charging_session_count, 0) as charging_session_count,
    charging.energy_added_kwh,
    {{ ratio('cast(charging.known_count as float8)', 'charging.charged_session_count', 100) }} as charging_known_pct,
    charging.energy_ac_kwh,
    charging.l1_kwh,
    charging.l2_kwh,
    charging.dc_kwh,
    charging.charging_cost,
    charging.charging_currency,
    {{ ratio('charging.priced_kwh', 'charging.paid_kwh', 100) }} as charging_priced_pct,
    charging.paid_kwh * {{ stated_number('electricity_co2_kg_per_kwh', 'kg/kWh', least=0, most=10) }} as electricity_co2_kg,
    monthly.electric_km * {{ stated_number('reference_co2_kg_per_km', 'kg/km', least=0, most=10) }} as co2_avoided_kg
from months
left join monthly on months.vehicle_id = monthly.vehicle_id and months.month = monthly.month
left join fuel on months.vehicle_id = fuel.vehicle_id and months.month = fuel.month
left join charging on months.vehicle_id = charging.vehicle_id and months.month = charging.month
left join energy on months.vehicle_id = energy.vehicle_id and months.month = energy.month
left join {{ ref('stg_vehicles') }} as vehicles on months.vehicle_id = vehicles.vehicle_id
