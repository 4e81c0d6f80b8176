-- One row per vehicle and local day that a trip or stop touches: the seconds of each that fell in the day.
{{ config(materialized='incremental', meta={'day': 'local_date', 'touched_by': ['trips', 'stops']}) }}

with touched as (

    select
        vehicle_id,
        kind,
        started_at,
        ended_at,
        timezone,
        {{ each_day(local_date('started_at', 'timezone'), local_date('ended_at', 'timezone')) }} as local_date
    from {{ ref('int_vehicle_spans') }}
    {% if is_incremental() %}where {{ may_reach_touched('started_at', 'ended_at') }}{% endif %}

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
        started_at,
        {{ seconds_between('day_start_at', 'day_end_at') }} as day_s,
        {{ seconds_between('greatest(started_at, day_start_at)', 'least(ended_at, day_end_at)') }} as span_s
    from bounded
    -- A span that ends at midnight does not touch the day that begins there.
    where
        (ended_at > day_start_at or started_at >= day_start_at)
        {% if is_incremental() %}and {{ is_touched('local_date') }}{% endif %}
    order by vehicle_id, local_date, started_at, kind

)

select
    vehicle_id,
    local_date,
    max(day_s) as day_s,
    coalesce({{ exact_sum("case when kind = 'trip' then span_s end", 'started_at, kind') }}, 0) as trip_s,
    coalesce({{ exact_sum("case when kind = 'stop' then span_s end", 'started_at, kind') }}, 0) as stop_s
from cut
group by vehicle_id, local_date
