-- One row per power session and UTC hour: what of the session fell in the hour.
with source as (

    select
        *,
        coalesce(energy_ac_kwh, energy_added_kwh) as paid_kwh
    from {{ source('lake', 'charging_hours') }}

)

select
    power_session_id,
    session_id,
    vehicle_id,
    closed_at,
    hour_at,
    local_date,
    local_hour,
    energy_added_kwh,
    energy_ac_kwh,
    charging_s,
    paid_kwh,
    case when cost is not null then paid_kwh end as priced_kwh,
    case when charging_s > 0 then paid_kwh end as timed_kwh,
    case when paid_kwh is not null then charging_s end as timed_s,
    peak_power_kw,
    charge_type,
    cost,
    currency
from source
