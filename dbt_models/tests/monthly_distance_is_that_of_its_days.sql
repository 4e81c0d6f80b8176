-- Months whose distance or trips are not those of their days (beyond the rounding of a sum).
with daily as (
    select
        vehicle_id,
        cast(date_trunc('month', local_date) as date) as month,
        sum(distance_km) as distance_km,
        sum(trip_count) as trip_count,
        sum(unobserved_km) as unobserved_km,
        sum(unobserved_count) as unobserved_count
    from {{ ref('trip_daily_stats') }}
    group by vehicle_id, cast(date_trunc('month', local_date) as date)
)

select
    coalesce(monthly.vehicle_id, daily.vehicle_id) as vehicle_id,
    coalesce(monthly.month, daily.month) as month,
    monthly.distance_km,
    daily.distance_km as daily_distance_km,
    monthly.unobserved_km,
    daily.unobserved_km as daily_unobserved_km
from {{ ref('monthly_summary') }} as monthly
full outer join daily on monthly.vehicle_id = daily.vehicle_id and monthly.month = daily.month
where
    monthly.trip_count is null
    or monthly.trip_count <> coalesce(daily.trip_count, 0)
    or monthly.unobserved_count <> coalesce(daily.unobserved_count, 0)
    or abs(monthly.distance_km - coalesce(daily.distance_km, 0)) > 1e-6 * monthly.distance_km
    or abs(monthly.unobserved_km - coalesce(daily.unobserved_km, 0)) > 1e-6 * monthly.unobserved_km
