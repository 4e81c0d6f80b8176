-- One row per vehicle and local day on which fuel was burned, came in or was lost.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('local_date'),
    meta={
        'day': 'local_date',
        'touched_by': ['hourly_use', 'trips', 'stops', 'standing_periods', 'fuel_events'],
        'remade_by': 'month',
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

-- A counter that is read seldom puts the litres of many days into the hour of its next reading. What trips burned by the
-- level of the tank is among them: it counts only where the whole month has no such hour.
told_months as (

    select
        vehicle_id,
        {{ month_of('local_date') }} as month
    from burned
    where known_hour_count > 0
    group by vehicle_id, {{ month_of('local_date') }}

),

driven as (

    select
        vehicle_id,
        local_date,
        {{ sum_of_known('fuel_used_l', 'unobserved_fuel_l') }} as trip_fuel_l,
        {{ ratio('known_fuel_km', '(distance_km + unobserved_km)', 100) }} as trip_fuel_known_pct
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
        count(refuelled_l) as refuel_known_count,
        count(case when kind = 'theft' then 1 end) as theft_count,
        count(case when kind = 'slow_loss' then 1 end) as slow_loss_count,
        count(case when kind <> 'refuel' then 1 end) as loss_count,
        count({{ sum_of_known('stolen_l', 'slow_loss_l') }}) as loss_known_count,
        {% for column in ['refuelled_l', 'stolen_l', 'slow_loss_l', 'priced_l'] -%}
        {{ exact_sum(column, 'started_at, event_id') }} as {{ column }},
        {% endfor -%}
        {{ cost_sum('refuel_cost', 'currency', 'started_at, event_id') }} as refuel_cost,
        {{ one_currency('refuel_cost', 'currency') }} as currency
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
    case when told_months.month is null then driven.trip_fuel_l else burned.burned_l end as burned_l,
    case
        when told_months.month is not null and burned.burned_l is not null then 'hours'
        when told_months.month is null and driven.trip_fuel_l is not null then 'trips'
    end as burned_source,
    driven.trip_fuel_l,
    driven.trip_fuel_known_pct,
    stood.stop_idle_fuel_l as stop_fuel_l,
    burned.burned_l - coalesce(driven.trip_fuel_l, 0) - coalesce(stood.stop_idle_fuel_l, 0) as other_fuel_l,
    burned.idle_fuel_l,
    coalesce(burned.known_hour_count, 0) as known_hour_count,
    coalesce(burned.hour_count, 0) as hour_count,
    {{ ratio('cast(burned.known_hour_count as float8)', 'burned.hour_count', 100) }} as known_pct,
    coalesce(changed.refuel_count, 0) as refuel_count,
    coalesce(changed.refuel_known_count, 0) as refuel_known_count,
    {{ ratio('cast(changed.refuel_known_count as float8)', 'changed.refuel_count', 100) }} as refuel_known_pct,
    changed.refuelled_l,
    coalesce(changed.theft_count, 0) as theft_count,
    changed.stolen_l,
    coalesce(changed.slow_loss_count, 0) as slow_loss_count,
    changed.slow_loss_l,
    {{ sum_of_known('changed.stolen_l', 'changed.slow_loss_l') }} as lost_l,
    coalesce(changed.loss_known_count, 0) as loss_known_count,
    {{ ratio('cast(changed.loss_known_count as float8)', 'changed.loss_count', 100) }} as loss_known_pct,
    changed.refuel_cost,
    changed.currency,
    changed.priced_l,
    {{ ratio('changed.priced_l', 'changed.refuelled_l', 100) }} as priced_pct
from days
left join burned on days.vehicle_id = burned.vehicle_id and days.local_date = burned.local_date
left join told_months on days.vehicle_id = told_months.vehicle_id and {{ month_of('days.local_date') }} = told_months.month
left join driven on days.vehicle_id = driven.vehicle_id and days.local_date = driven.local_date
left join stood on days.vehicle_id = stood.vehicle_id and days.local_date = stood.local_date
left join changed on days.vehicle_id = changed.vehicle_id and days.local_date = changed.local_date
