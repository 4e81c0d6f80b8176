-- One row per vehicle and UTC hour in which it was charged: energy and minutes that fell in the hour.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('hour_at', 'local_date'),
    meta={'day': 'local_date', 'touched_by': ['charging_hours']},
) }}

with hours as (

    select
        vehicle_id,
        hour_at,
        min(local_date) as local_date,
        min(local_hour) as local_hour,
        count(distinct session_id) as session_count,
        count(distinct case when energy_added_kwh is not null then session_id end) as known_count,
        {% for type in ['L1', 'L2', 'DC'] -%}
        count(distinct case when charge_type = '{{ type }}' then session_id end) as {{ type | lower }}_count,
        {% endfor -%}
        {% for column in [
            'energy_added_kwh', 'energy_ac_kwh', 'charging_s', 'timed_kwh', 'timed_s', 'paid_kwh', 'priced_kwh',
        ] -%}
        {{ exact_sum(column, 'power_session_id') }} as {{ column }},
        {% endfor -%}
        max(peak_power_kw) as peak_power_kw,
        {{ cost_sum('cost', 'currency', 'power_session_id') }} as cost,
        {{ one_currency('cost', 'currency') }} as currency
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
    known_count,
    {{ ratio('cast(known_count as float8)', 'session_count', 100) }} as known_pct,
    charging_s,
    {{ ratio('timed_kwh', 'timed_s', 3600) }} as avg_power_kw,
    peak_power_kw,
    timed_kwh,
    timed_s,
    cost,
    currency,
    paid_kwh,
    priced_kwh,
    {{ ratio('priced_kwh', 'paid_kwh', 100) }} as priced_pct
from hours
