-- Days whose consumption is not that of engines alone: what was burned by the hours that begin on them, to which nothing
-- that came into the tank, or went out of it otherwise, was added.
with burned as (
    select vehicle_id, local_date, sum(fuel_used_l) as burned_l
    from {{ ref('stg_hourly_use') }}
    group by vehicle_id, local_date
)

select days.vehicle_id, days.local_date, days.burned_l, burned.burned_l as by_hours_l
from {{ ref('fuel_daily') }} as days
left join burned on days.vehicle_id = burned.vehicle_id and days.local_date = burned.local_date
where abs(coalesce(days.burned_l, 0) - coalesce(burned.burned_l, 0)) > 1e-6 * (1 + coalesce(burned.burned_l, 0))
