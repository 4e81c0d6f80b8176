-- Plug-ins whose energy is not the sum of their hours. One of which not all is known has hours of what is known, and one that
-- is not final yet has hours of its power sessions that are; but it is when a later one of the vehicle is.
with final as (
    select
        vehicle_id,
        max(plugged_at) as plugged_at
    from {{ ref('stg_charging_sessions') }}
    group by vehicle_id
),

told as (
    select
        session_id,
        energy_added_kwh
    from {{ ref('stg_charging_sessions') }}
    where energy_added_kwh is not null
),

summed as (
    select
        hours.session_id,
        sum(hours.energy_added_kwh) as energy_added_kwh
    from {{ ref('stg_charging_hours') }} as hours
    left join {{ ref('stg_charging_sessions') }} as sessions on hours.session_id = sessions.session_id
    left join final on hours.vehicle_id = final.vehicle_id
    where
        sessions.energy_added_kwh is not null
        or (sessions.session_id is null and hours.hour_at < final.plugged_at - interval '1 hour')
    group by hours.session_id
)

{{ unequal('told', 'summed', ['session_id'], ['energy_added_kwh']) }}
