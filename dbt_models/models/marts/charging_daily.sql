-- One row per vehicle and local day on which it was plugged in: plug-ins that began on the day, whole.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('local_date'),
    meta={'day': 'local_date', 'touched_by': ['charging_sessions']},
) }}

with days as (

    select
        vehicle_id,
        local_date,
        count(*) as session_count,
        count(case when power_session_count > 0 then 1 end) as charged_session_count,
        {% for type in ['L1', 'L2', 'DC'] -%}
        count(case when charge_type = '{{ type }}' then 1 end) as {{ type | lower }}_count,
        {{ exact_sum("case when charge_type = '" ~ type ~ "' then energy_added_kwh end", 'plugged_at, session_id') }}
            as {{ type | lower }}_kwh,
        {% endfor -%}
        count(case when power_session_count > 0 then energy_added_kwh end) as known_count,
        {% for column in [
            'energy_added_kwh', 'energy_ac_kwh', 'energy_loss_kwh', 'charging_s', 'plugged_s', 'timed_kwh', 'timed_s',
            'paid_kwh', 'priced_kwh',
        ] -%}
        {{ exact_sum(column, 'plugged_at, session_id') }} as {{ column }},
        {% endfor -%}
        max(peak_power_kw) as peak_power_kw,
        {{ cost_sum('cost', 'currency', 'plugged_at, session_id') }} as cost,
        {{ one_currency('cost', 'currency') }} as currency
    from (
        select * from {{ ref('stg_charging_sessions') }}
        {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, local_date, plugged_at, session_id
    ) as ordered
    group by vehicle_id, local_date

)

select
    vehicle_id,
    local_date,
    session_count,
    charged_session_count,
    l1_count,
    l1_kwh,
    l2_count,
    l2_kwh,
    dc_count,
    dc_kwh,
    energy_added_kwh,
    energy_ac_kwh,
    energy_loss_kwh,
    known_count,
    {{ ratio('cast(known_count as float8)', 'charged_session_count', 100) }} as known_pct,
    charging_s,
    plugged_s,
    {{ ratio('timed_kwh', 'timed_s', 3600) }} as avg_power_kw,
    peak_power_kw,
    timed_kwh,
    timed_s,
    cost,
    currency,
    paid_kwh,
    priced_kwh,
    {{ ratio('priced_kwh', 'paid_kwh', 100) }} as priced_pct
from days
