-- One row per local day on which any trip, or drive that nobody saw, began: the whole fleet. Days of vehicles in several zones overlap.
with days as (

    select * from {{ ref('trip_daily_stats') }}
    order by local_date, vehicle_id

)

select
    local_date,
    count(case when trip_count > 0 then 1 end) as vehicle_count,
    cast(sum(trip_count) as bigint) as trip_count,
    {%- for column in [
        'distance_km', 'electric_km', 'engine_km', 'moving_s', 'idle_s', 'fuel_used_l', 'energy_used_kwh',
        'unobserved_km',
    ] %}
    {{ exact_sum(column, 'vehicle_id') }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from days
group by local_date
