-- Days whose distance, observed or not, is not that of the trips and drives that began on them (beyond the rounding of a
-- sum), in either mart by day.
with driven as (
    select
        vehicle_id,
        local_date,
        sum(distance_km) as driven_km,
        sum(case when is_unobserved then 0 else 1 end) as trip_count
    from {{ ref('stg_trips') }}
    group by vehicle_id, local_date
),

told as (
    select vehicle_id, local_date, distance_km + unobserved_km as told_km, trip_count
    from {{ ref('trip_daily_stats') }}
),

used as (
    select vehicle_id, local_date, distance_km + unobserved_km as used_km, trip_count
    from {{ ref('vehicle_daily') }}
    where trip_count > 0 or unobserved_km > 0
)

select
    coalesce(driven.vehicle_id, told.vehicle_id, used.vehicle_id) as vehicle_id,
    coalesce(driven.local_date, told.local_date, used.local_date) as local_date,
    driven.driven_km,
    told.told_km,
    used.used_km
from driven
full outer join told on driven.vehicle_id = told.vehicle_id and driven.local_date = told.local_date
full outer join used on driven.vehicle_id = used.vehicle_id and driven.local_date = used.local_date
where
    driven.trip_count is null
    or told.trip_count is null
    or driven.trip_count <> told.trip_count
    or driven.trip_count <> coalesce(used.trip_count, 0)
    or abs(driven.driven_km - told.told_km) > 1e-6 * driven.driven_km
    or abs(driven.driven_km - coalesce(used.used_km, 0)) > 1e-6 * driven.driven_km
