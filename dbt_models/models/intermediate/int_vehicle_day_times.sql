-- One row per vehicle and local day that a trip or stop touches: the seconds of each that fell in the day.
with touched as (

    select
        vehicle_id,
        kind,
        started_at,
        ended_at,
        timezone,
        {{ each_day(local_date('started_at', 'timezone'), local_date('ended_at', 'timezone')) }} as local_date
    from {{ ref('int_vehicle_spans') }}

),

bounded as (

    select
        *,
        {{ local_midnight('local_date', 'timezone') }} as day_start_at,
        {{ local_midnight("(local_date + interval '1 day')", 'timezone') }} as day_end_at
    from touched

),

cut as (

    select
        vehicle_id,
        local_date,
        kind,
        {{ seconds_between('day_start_at', 'day_end_at') }} as day_s,
        {{ seconds_between('greatest(started_at, day_start_at)', 'least(ended_at, day_end_at)') }} as span_s
    from bounded
    -- A span that ends at midnight does not touch the day that begins there.
    where ended_at > day_start_at or started_at >= day_start_at

)

select
    vehicle_id,
    local_date,
    max(day_s) as day_s,
    coalesce(sum(case when kind = 'trip' then span_s end), 0) as trip_s,
    coalesce(sum(case when kind = 'stop' then span_s end), 0) as stop_s
from cut
group by vehicle_id, local_date
