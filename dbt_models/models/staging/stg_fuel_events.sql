-- One row per refuel, theft, slow loss, fault of a sender, or change that nobody saw.
with source as (

    select * from {{ source('lake', 'fuel_events') }}

)

select
    event_id,
    vehicle_id,
    kind,
    started_at,
    ended_at,
    closed_at,
    local_date,
    volume_l,
    expected_consumption_l,
    volume_sd_l,
    change_pct,
    change_sd_pct,
    level_before_pct,
    level_after_pct,
    is_engine_on,
    latitude_deg,
    longitude_deg,
    zone_id,
    cost as event_cost,
    case when cost is not null then currency end as event_currency,
    case when kind = 'refuel' then volume_l end as refuelled_l,
    case when kind = 'theft' then volume_l end as stolen_l,
    case when kind = 'slow_loss' then volume_l end as slow_loss_l,
    case when kind = 'refuel' and cost is not null then volume_l end as priced_l,
    case when kind = 'refuel' then cost end as refuel_cost,
    case when kind = 'refuel' and cost is not null then currency end as currency
from source
