-- One row per review of a fall of a tank; where no end was noted, it is its start.
with source as (

    select * from {{ source('lake', 'theft_reviews') }}

)

select
    review_id,
    vehicle_id,
    event_id,
    event_started_at,
    coalesce(event_ended_at, event_started_at) as event_ended_at,
    verdict,
    reason,
    note,
    reviewed_at,
    reviewer
from source
