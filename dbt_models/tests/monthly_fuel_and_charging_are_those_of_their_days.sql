-- Months whose fuel or charging is not that of their days (beyond the rounding of a sum); no refuel is in the fuel.
with fuel as (
    select
        vehicle_id,
        cast(date_trunc('month', local_date) as date) as month,
        coalesce(sum(coalesce(burned_l, trip_fuel_l)), 0) as burned_l,
        coalesce(sum(refuelled_l), 0) as refuelled_l
    from {{ ref('fuel_daily') }}
    group by vehicle_id, cast(date_trunc('month', local_date) as date)
),

charging as (
    select
        vehicle_id,
        cast(date_trunc('month', local_date) as date) as month,
        coalesce(sum(energy_added_kwh), 0) as added_kwh,
        sum(session_count) as session_count
    from {{ ref('charging_daily') }}
    group by vehicle_id, cast(date_trunc('month', local_date) as date)
),

days as (
    select vehicle_id, month from fuel
    union
    select vehicle_id, month from charging
)

select days.vehicle_id, days.month, monthly.burned_l, fuel.burned_l as daily_burned_l
from days
left join {{ ref('monthly_summary') }} as monthly on days.vehicle_id = monthly.vehicle_id and days.month = monthly.month
left join fuel on days.vehicle_id = fuel.vehicle_id and days.month = fuel.month
left join charging on days.vehicle_id = charging.vehicle_id and days.month = charging.month
where
    monthly.trip_count is null
    or abs(coalesce(monthly.burned_l, 0) - coalesce(fuel.burned_l, 0)) > 1e-6 * (1 + coalesce(fuel.burned_l, 0))
    or abs(coalesce(monthly.refuelled_l, 0) - coalesce(fuel.refuelled_l, 0)) > 1e-6 * (1 + coalesce(fuel.refuelled_l, 0))
    or abs(coalesce(monthly.energy_added_kwh, 0) - coalesce(charging.added_kwh, 0)) > 1e-6 * (1 + abs(coalesce(charging.added_kwh, 0)))
    or monthly.charging_session_count <> coalesce(charging.session_count, 0)
