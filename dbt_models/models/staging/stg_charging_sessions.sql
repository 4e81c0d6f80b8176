-- One row per plug-in of a vehicle, with what the marts add up.
with source as (

    select
        *,
        coalesce(energy_ac_kwh, energy_added_kwh) as paid_kwh
    from {{ source('lake', 'charging_sessions') }}

)

select
    session_id,
    vehicle_id,
    plugged_at,
    closed_at,
    local_date,
    plugged_s,
    power_session_count,
    energy_added_kwh,
    energy_ac_kwh,
    energy_loss_kwh,
    paid_kwh,
    case when cost is not null then paid_kwh end as priced_kwh,
    case when charging_s > 0 then paid_kwh end as timed_kwh,
    case when paid_kwh is not null then charging_s end as timed_s,
    peak_power_kw,
    charging_s,
    charge_type,
    cost,
    currency
from source
