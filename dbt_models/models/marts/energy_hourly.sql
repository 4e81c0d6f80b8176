-- One row per vehicle and UTC hour in which it was known, or charged: what it drove, burned, used and charged.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('hour_at', 'local_date'),
    meta={'day': 'local_date', 'touched_by': ['hourly_use', 'charging_hours']},
) }}

with used as (

    select * from {{ ref('stg_hourly_use') }}
    {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}

),

charged as (

    select
        vehicle_id,
        hour_at,
        min(local_date) as local_date,
        min(local_hour) as local_hour,
        {{ exact_sum('energy_added_kwh', 'power_session_id') }} as energy_charged_kwh
    from (
        select * from {{ ref('stg_charging_hours') }}
        {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, hour_at, power_session_id
    ) as ordered
    group by vehicle_id, hour_at

)

select
    coalesce(used.vehicle_id, charged.vehicle_id) as vehicle_id,
    coalesce(used.hour_at, charged.hour_at) as hour_at,
    coalesce(used.local_date, charged.local_date) as local_date,
    coalesce(used.local_hour, charged.local_hour) as local_hour,
    coalesce({{ ratio('used.observed_s', 3600, 100) }}, 0) as observed_pct,
    used.distance_km,
    used.moving_s,
    used.idle_s,
    used.engine_on_s,
    used.fuel_used_l,
    used.fuel_moving_l,
    used.fuel_standing_l,
    used.energy_used_kwh,
    charged.energy_charged_kwh
from used
full outer join charged on used.vehicle_id = charged.vehicle_id and used.hour_at = charged.hour_at
