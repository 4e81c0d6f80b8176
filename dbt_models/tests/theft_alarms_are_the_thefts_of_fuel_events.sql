-- Thefts of fuel events that the mart lacks or tells otherwise, and rows of it that say of themselves that they are one and
-- are none.
with told as (

    select * from {{ ref('theft_alarms') }}
    where is_fuel_event and kind = 'theft'

),

there as (

    select * from {{ ref('stg_fuel_events') }}
    where kind = 'theft'

)

select
    coalesce(told.event_id, there.event_id) as event_id,
    told.volume_l as told_volume_l,
    there.volume_l
from told
full outer join there on told.event_id = there.event_id
where
    told.event_id is null
    or there.event_id is null
    or (told.volume_l is null) <> (there.volume_l is null)
    or told.volume_l <> there.volume_l
    or (told.cost is null) <> (there.event_cost is null)
    or told.cost <> there.event_cost
