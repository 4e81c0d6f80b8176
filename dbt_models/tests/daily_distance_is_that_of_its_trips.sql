-- Days of a vehicle whose distance, observed or not, is not that of the trips and drives that began on them, in either mart
-- by day.
{% set amounts = ['trip_count', 'distance_km', 'unobserved_km'] %}

with summed as (
    select
        vehicle_id,
        local_date,
        count(case when not is_unobserved then 1 end) as trip_count,
        coalesce(sum(case when not is_unobserved then distance_km end), 0) as distance_km,
        coalesce(sum(case when is_unobserved then distance_km end), 0) as unobserved_km
    from {{ ref('stg_trips') }}
    group by vehicle_id, local_date
),

used as (
    select * from {{ ref('vehicle_daily') }}
    where trip_count > 0 or distance_km + unobserved_km > 0
),

driven as (
    select * from summed
    where trip_count > 0 or unobserved_km > 0
)

{{ unequal(ref('trip_daily_stats'), 'summed', ['vehicle_id', 'local_date'], amounts) }}
union all
{{ unequal('used', 'driven', ['vehicle_id', 'local_date'], amounts) }}
