-- Consumption that what came into the tank was added to.
-- Hours and trips, by what they burned themselves: those that a refuel touches burned about as much as came in on top of what
-- was burned meanwhile, and twice what the vehicle burns at most in any that no refuel touches (ten of them at least).
-- Days and months, by those: they burned more than all their hours and trips, by half of what came in.
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
        and trips.local_date = refuels.local_date
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

refuelled as (
    select
        'day' as kind,
        vehicle_id,
        local_date,
        local_date as last_date,
        burned_l,
        refuelled_l
    from {{ ref('fuel_daily') }}
    where refuelled_l > 0
    union all
    select
        'month' as kind,
        vehicle_id,
        month as local_date,
        cast(month + interval '1 month' - interval '1 day' as date) as last_date,
        burned_l,
        refuelled_l
    from {{ ref('monthly_summary') }}
    where refuelled_l > 0
),

days as (
    select
        vehicle_id,
        local_date,
        sum(fuel_used_l) as burned_l
    from {{ ref('stg_hourly_use') }}
    where fuel_used_l is not null
    group by vehicle_id, local_date
    union all
    select
        vehicle_id,
        local_date,
        sum(fuel_used_l) as burned_l
    from {{ ref('stg_trips') }}
    where fuel_used_l is not null
    group by vehicle_id, local_date
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
    refuelled.kind,
    refuelled.vehicle_id,
    refuelled.local_date,
    refuelled.burned_l,
    refuelled.refuelled_l
from refuelled
left join
    days
    on refuelled.vehicle_id = days.vehicle_id
    and days.local_date between refuelled.local_date and refuelled.last_date
group by refuelled.kind, refuelled.vehicle_id, refuelled.local_date, refuelled.burned_l, refuelled.refuelled_l
having refuelled.burned_l > coalesce(sum(days.burned_l), 0) + refuelled.refuelled_l / 2
