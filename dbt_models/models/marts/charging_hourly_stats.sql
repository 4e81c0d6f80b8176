-- One row per vehicle and UTC hour in which it was charged: energy and minutes that fell in the hour.
{{ config(
    materialized='incremental', indexes=on_postgres([
        {'columns': ['vehicle_id', 'hour_at'], 'unique': True}, {'columns': ['local_date']}
    ]),
    meta={'day': 'local_date', 'touched_by': ['charging_hours']},
) }}

with hours as (

    select
        vehicle_id,
        hour_at,
        min(local_date) as local_date,
        min(local_hour) as local_hour,
        count(distinct session_id) as session_count,
        count(distinct case when charge_type = 'L1' then session_id end) as l1_count,
        count(distinct case when charge_type = 'L2' then session_id end) as l2_count,
        count(distinct case when charge_type = 'DC' then session_id end) as dc_count,
        {{ exact_sum('energy_added_kwh', 'power_session_id') }} as energy_added_kwh,
        {{ exact_sum('energy_ac_kwh', 'power_session_id') }} as energy_ac_kwh,
        {{ exact_sum('charging_s', 'power_session_id') }} as charging_s,
        {{ exact_sum('timed_kwh', 'power_session_id') }} as timed_kwh,
        {{ exact_sum('timed_s', 'power_session_id') }} as timed_s,
        max(peak_power_kw) as peak_power_kw,
        {{ cost_sum('cost', 'currency', 'power_session_id') }} as cost,
        {{ one_currency('currency') }} as currency
    from (
        select * from {{ ref('stg_charging_hours') }}
        {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, hour_at, power_session_id
    ) as ordered
    group by vehicle_id, hour_at

)

select
    vehicle_id,
    hour_at,
    local_date,
    local_hour,
    session_count,
    l1_count,
    l2_count,
    dc_count,
    energy_added_kwh,
    energy_ac_kwh,
    charging_s,
    {{ ratio('timed_kwh', 'timed_s', 3600) }} as avg_power_kw,
    peak_power_kw,
    timed_kwh,
    timed_s,
    cost,
    currency
from hours
