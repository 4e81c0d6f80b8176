-- One row per vehicle and local day on which fuel was burned, came in or was lost.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('local_date'),
    meta={
        'day': 'local_date',
        'touched_by': ['hourly_use', 'trips', 'stops', 'standing_periods', 'fuel_events'],
    },
) }}

with burned as (

    select
        vehicle_id,
        local_date,
        {{ exact_sum('fuel_used_l', 'hour_at') }} as burned_l,
        {{ exact_sum('fuel_standing_l', 'hour_at') }} as idle_fuel_l,
        count(fuel_used_l) as known_hour_count,
        count(case when fuel_used_l is not null or engine_on_s > 0 then 1 end) as hour_count
    from (
        select * from {{ ref('stg_hourly_use') }}
        {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, local_date, hour_at
    ) as ordered
    group by vehicle_id, local_date

),

driven as (

    select
        vehicle_id,
        local_date,
        coalesce(fuel_used_l + unobserved_fuel_l, fuel_used_l, unobserved_fuel_l) as trip_fuel_l
    from {{ ref('trip_daily_stats') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}

),

stood as (

    select
        vehicle_id,
        local_date,
        stop_idle_fuel_l
    from {{ ref('int_vehicle_day_times') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}

),

changed as (

    select
        vehicle_id,
        local_date,
        count(case when kind = 'refuel' then 1 end) as refuel_count,
        count(case when kind = 'theft' then 1 end) as theft_count,
        count(case when kind = 'slow_loss' then 1 end) as slow_loss_count,
        {% for column in ['refuelled_l', 'stolen_l', 'slow_loss_l', 'priced_l'] -%}
        {{ exact_sum(column, 'started_at, event_id') }} as {{ column }},
        {% endfor -%}
        {{ cost_sum('refuel_cost', 'currency', 'started_at, event_id') }} as refuel_cost,
        {{ one_currency('currency') }} as currency
    from (
        select * from {{ ref('stg_fuel_events') }}
        where
            kind in ('refuel', 'theft', 'slow_loss')
            {% if is_incremental() %}and {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, local_date, started_at, event_id
    ) as ordered
    group by vehicle_id, local_date

),

days as (

    select vehicle_id, local_date from burned where hour_count > 0
    union
    select vehicle_id, local_date from driven where trip_fuel_l is not null
    union
    select vehicle_id, local_date from changed

)

select
    days.vehicle_id,
    days.local_date,
    burned.burned_l,
    driven.trip_fuel_l,
    stood.stop_idle_fuel_l as stop_fuel_l,
    burned.burned_l - coalesce(driven.trip_fuel_l, 0) - coalesce(stood.stop_idle_fuel_l, 0) as other_fuel_l,
    burned.idle_fuel_l,
    coalesce(burned.known_hour_count, 0) as known_hour_count,
    coalesce(burned.hour_count, 0) as hour_count,
    {{ ratio('cast(burned.known_hour_count as float8)', 'burned.hour_count', 100) }} as known_pct,
    coalesce(changed.refuel_count, 0) as refuel_count,
    changed.refuelled_l,
    coalesce(changed.theft_count, 0) as theft_count,
    changed.stolen_l,
    coalesce(changed.slow_loss_count, 0) as slow_loss_count,
    changed.slow_loss_l,
    coalesce(changed.stolen_l + changed.slow_loss_l, changed.stolen_l, changed.slow_loss_l) as lost_l,
    changed.refuel_cost,
    changed.currency,
    changed.priced_l,
    {{ ratio('changed.priced_l', 'changed.refuelled_l', 100) }} as priced_pct
from days
left join burned on days.vehicle_id = burned.vehicle_id and days.local_date = burned.local_date
left join driven on days.vehicle_id = driven.vehicle_id and days.local_date = driven.local_date
left join stood on days.vehicle_id = stood.vehicle_id and days.local_date = stood.local_date
left join changed on days.vehicle_id = changed.vehicle_id and days.local_date = changed.local_date
