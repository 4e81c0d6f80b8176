-- Plug-ins whose hours do not add up to them, and vehicles whose charging by hour, or by day, is not that of their hours
-- and plug-ins (beyond the rounding of a sum). Hours of a plug-in that is not final yet have none to be compared with.
with sessions as (
    select vehicle_id, session_id, coalesce(energy_added_kwh, 0) as added_kwh
    from {{ ref('stg_charging_sessions') }}
),

hours as (
    select session_id, coalesce(sum(energy_added_kwh), 0) as added_kwh
    from {{ ref('stg_charging_hours') }}
    group by session_id
),

unequal as (
    select sessions.vehicle_id, sessions.added_kwh as told_kwh, hours.added_kwh as summed_kwh
    from sessions
    inner join hours on sessions.session_id = hours.session_id
),

by_hour as (
    select told.vehicle_id, told.added_kwh as told_kwh, summed.added_kwh as summed_kwh
    from (
        select vehicle_id, coalesce(sum(energy_added_kwh), 0) as added_kwh
        from {{ ref('charging_hourly_stats') }}
        group by vehicle_id
    ) as told
    full outer join (
        select vehicle_id, coalesce(sum(energy_added_kwh), 0) as added_kwh
        from {{ ref('stg_charging_hours') }}
        group by vehicle_id
    ) as summed on told.vehicle_id = summed.vehicle_id
),

by_day as (
    select told.vehicle_id, told.added_kwh as told_kwh, summed.added_kwh as summed_kwh
    from (
        select vehicle_id, coalesce(sum(energy_added_kwh), 0) as added_kwh
        from {{ ref('charging_daily') }}
        group by vehicle_id
    ) as told
    full outer join (
        select vehicle_id, sum(added_kwh) as added_kwh
        from sessions
        group by vehicle_id
    ) as summed on told.vehicle_id = summed.vehicle_id
)

select * from (
    select * from unequal
    union all
    select * from by_hour
    union all
    select * from by_day
) as compared
where
    told_kwh is null
    or summed_kwh is null
    or abs(told_kwh - summed_kwh) > 1e-6 * (1 + abs(told_kwh))
