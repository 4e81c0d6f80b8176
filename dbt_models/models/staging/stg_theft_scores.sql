-- One row per candidate that the promoted model scored.
with source as (

    select * from {{ source('lake', 'theft_scores') }}

)

select
    event_id,
    probability,
    model_version
from source
