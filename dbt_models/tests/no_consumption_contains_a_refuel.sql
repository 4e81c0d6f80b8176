-- Consumption that what came into the tank was added to.
-- Hours and trips, by what they burned themselves: those that a refuel touches burned about as much as came in on top of what
-- was burned meanwhile, and twice what the vehicle burns at most in any that no refuel touches (ten of them at least).
-- Days and months on which fuel came in, by what they were told by: they burned more than their hours, or, of days that
-- trips tell, than their trips.
with refuels as (
    select * from {{ ref('stg_fuel_events') }}
    where refuelled_l is not null
),

refuel_hours as (
    select
        event_id,
        vehicle_id,
        {{ each_hour('started_at', 'ended_at') }} as hour_at
    from refuels
),

portions as (
    select
        'hour' as kind,
        hours.vehicle_id,
        hours.local_date,
        refuel_hours.event_id,
        hours.fuel_used_l as burned_l,
        cast(1 as float8) as duration_h
    from {{ ref('stg_hourly_use') }} as hours
    left join refuel_hours on hours.vehicle_id = refuel_hours.vehicle_id and hours.hour_at = refuel_hours.hour_at
    where hours.fuel_used_l is not null
    union all
    select
        'trip' as kind,
        trips.vehicle_id,
        trips.local_date,
        refuels.event_id,
        trips.fuel_used_l as burned_l,
        trips.duration_s / 3600 as duration_h
    from {{ ref('stg_trips') }} as trips
    left join
        refuels
        on trips.vehicle_id = refuels.vehicle_id
        and trips.started_at < refuels.ended_at
        and trips.ended_at > refuels.started_at
    where trips.fuel_used_l is not null and trips.duration_s > 0
),

usual as (
    select
        kind,
        vehicle_id,
        max(burned_l / duration_h) as most_lph
    from portions
    where event_id is null
    group by kind, vehicle_id
    having count(*) >= 10
),

touched as (
    select
        kind,
        vehicle_id,
        event_id,
        min(local_date) as local_date,
        sum(burned_l) as burned_l,
        sum(duration_h) as duration_h
    from portions
    where event_id is not null
    group by kind, vehicle_id, event_id
),

told as (
    select
        vehicle_id,
        local_date,
        sum(by_hours_l) as by_hours_l,
        sum(by_trips_l) as by_trips_l
    from (
        select
            vehicle_id,
            local_date,
            fuel_used_l as by_hours_l,
            cast(null as float8) as by_trips_l
        from {{ ref('stg_hourly_use') }}
        union all
        select
            vehicle_id,
            local_date,
            null as by_hours_l,
            fuel_used_l as by_trips_l
        from {{ ref('stg_trips') }}
    ) as parts
    group by vehicle_id, local_date
),

days as (
    select
        days.vehicle_id,
        days.local_date,
        days.burned_l,
        days.refuelled_l,
        coalesce(case when days.burned_source = 'trips' then told.by_trips_l else told.by_hours_l end, 0) as told_l
    from {{ ref('fuel_daily') }} as days
    left join told on days.vehicle_id = told.vehicle_id and days.local_date = told.local_date
),

periods as (
    select
        'day' as kind,
        days.*
    from days
    union all
    select
        'month' as kind,
        months.vehicle_id,
        months.month as local_date,
        months.burned_l,
        months.refuelled_l,
        coalesce(sum(days.told_l), 0) as told_l
    from {{ ref('monthly_summary') }} as months
    left join days on months.vehicle_id = days.vehicle_id and months.month = {{ month_of('days.local_date') }}
    group by months.vehicle_id, months.month, months.burned_l, months.refuelled_l
)

select
    touched.kind,
    touched.vehicle_id,
    touched.local_date,
    touched.burned_l,
    refuels.refuelled_l
from touched
inner join refuels on touched.event_id = refuels.event_id
inner join usual on touched.kind = usual.kind and touched.vehicle_id = usual.vehicle_id
where
    touched.burned_l >= 0.9 * refuels.refuelled_l + coalesce(refuels.expected_consumption_l, 0)
    and touched.burned_l > 2 * usual.most_lph * touched.duration_h
union all
select
    kind,
    vehicle_id,
    local_date,
    burned_l,
    refuelled_l
from periods
where refuelled_l > 0 and burned_l > told_l + 1e-6 * (1 + told_l)
