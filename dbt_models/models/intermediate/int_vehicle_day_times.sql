-- One row per vehicle and local day of which anything is known: the seconds of the day on trips, in drives that nobody
-- saw and at a stand, and what the engine did at a stand.
{{ config(materialized='incremental', meta={'day': 'local_date', 'touched_by': ['trips', 'stops', 'standing_periods']}) }}

with reached as (

    select
        *,
        max(case when kind in ('trip', 'unobserved') then ended_at end) over (
            partition by vehicle_id
            order by started_at, kind desc
            rows between unbounded preceding and current row
        ) as driven_until_at
    from {{ ref('int_vehicle_spans') }}
    {% if is_incremental() %}where {{ may_reach_touched('started_at', 'ended_at') }}{% endif %}

),

touched as (

    select
        *,
        {{ each_day(local_date('started_at', 'timezone'), local_date('ended_at', 'timezone')) }} as local_date
    from reached
    -- Most standing periods are moments of trips, at lights and in jams: a drive that covers one touches its days too.
    where kind <> 'standing' or driven_until_at is null or ended_at > driven_until_at

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
        greatest(started_at, day_start_at) as from_at,
        least(ended_at, day_end_at) as to_at,
        {{ seconds_between('started_at', 'ended_at') }} as whole_s,
        {{ seconds_between('day_start_at', 'day_end_at') }} as day_s,
        is_known,
        engine_on_s,
        idle_fuel_l
    from bounded
    -- A span that ends at midnight does not touch the day that begins there.
    where
        (ended_at > day_start_at or started_at >= day_start_at)
        {% if is_incremental() %}and {{ is_touched('local_date') }}{% endif %}

),

-- What is left of a standing period is what no drive explains, and of that what no stop tells.
covered as (

    select
        vehicle_id,
        local_date,
        started_at,
        {{ exact_sum("case when kind <> 'stop' then both_s end", 'from_at, kind') }} as driven_s,
        {{ exact_sum('both_s', 'from_at, kind') }} as told_s
    from (
        select
            standing.vehicle_id,
            standing.local_date,
            standing.started_at,
            spans.kind,
            spans.from_at,
            {{ seconds_between(
                'greatest(standing.from_at, spans.from_at)', 'least(standing.to_at, spans.to_at)'
            ) }} as both_s
        from cut as standing
        inner join
            cut as spans
            on standing.vehicle_id = spans.vehicle_id
            and standing.local_date = spans.local_date
            and standing.from_at < spans.to_at
            and standing.to_at > spans.from_at
        where standing.kind = 'standing' and spans.kind <> 'standing'
        order by standing.vehicle_id, standing.local_date, standing.started_at, spans.from_at, spans.kind
    ) as ordered
    group by vehicle_id, local_date, started_at

),

rest as (

    select
        standing.*,
        greatest({{ seconds_between('standing.from_at', 'standing.to_at') }} - coalesce(covered.driven_s, 0), 0) as stood_s,
        case
            when standing.is_known
                then greatest({{ seconds_between('standing.from_at', 'standing.to_at') }} - coalesce(covered.told_s, 0), 0)
        end as untold_s
    from cut as standing
    left join
        covered
        on standing.vehicle_id = covered.vehicle_id
        and standing.local_date = covered.local_date
        and standing.started_at = covered.started_at
    where standing.kind = 'standing'

),

standing as (

    select
        vehicle_id,
        local_date,
        {{ exact_sum('untold_s', 'started_at') }} as standing_s,
        {{ exact_sum('part_engine_s', 'started_at') }} as engine_on_s,
        {{ exact_sum('part_fuel_l', 'started_at') }} as idle_fuel_l
    from (
        select
            *,
            -- Divided by time where a midnight or a drive divides the period.
            case when stood_s = whole_s then engine_on_s else engine_on_s * stood_s / whole_s end as part_engine_s,
            case when stood_s = whole_s then idle_fuel_l else idle_fuel_l * stood_s / whole_s end as part_fuel_l
        from rest
        where stood_s > 0 or whole_s = 0
        order by vehicle_id, local_date, started_at
    ) as ordered
    group by vehicle_id, local_date

),

days as (

    select
        vehicle_id,
        local_date,
        max(day_s) as day_s,
        coalesce({{ exact_sum("case when kind = 'trip' then span_s end", 'started_at, kind') }}, 0) as trip_s,
        coalesce({{ exact_sum("case when kind = 'stop' then span_s end", 'started_at, kind') }}, 0) as stop_s,
        coalesce({{ exact_sum("case when kind = 'unobserved' then span_s end", 'started_at, kind') }}, 0) as unobserved_s
    from (
        select
            *,
            {{ seconds_between('from_at', 'to_at') }} as span_s
        from cut
        order by vehicle_id, local_date, started_at, kind
    ) as ordered
    group by vehicle_id, local_date

)

select
    days.vehicle_id,
    days.local_date,
    days.day_s,
    days.trip_s,
    days.stop_s + coalesce(standing.standing_s, 0) as stop_s,
    days.unobserved_s,
    case when days.stop_s > 0 or standing.vehicle_id is not null then standing.engine_on_s else 0 end as stop_idle_s,
    case when days.stop_s > 0 or standing.vehicle_id is not null then standing.idle_fuel_l else 0 end as stop_idle_fuel_l
from days
left join standing on days.vehicle_id = standing.vehicle_id and days.local_date = standing.local_date
