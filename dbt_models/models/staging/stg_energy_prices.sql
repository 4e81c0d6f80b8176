-- One row per price in force for one span of time, on every day of it or within one daily window.
with source as (

    select * from {{ source('lake', 'energy_prices') }}

)

select
    kind,
    zone,
    price,
    currency,
    valid_from,
    valid_to,
    cast(daily_from as time) as daily_from,
    cast(daily_to as time) as daily_to
from source
