{# Whether an engine runs, by one row of telemetry, as trips and stops say it (fleet_assets/core/engine.py): by its speed;
   by the ignition of vehicles that nothing but an engine drives, for a hybrid's is on while none runs. A vehicle of which
   nothing is stated counts as such where the row tells of no charge. A battery car has no engine: null.
   Membership, not a join: DuckDB may turn a join round, and with it the order of the rows (macros/last_value.sql). #}
{% macro is_engine_on() -%}
    case
        when vehicle_id in ({{ _driven_by("powertrain = 'bev'") }}) then null
        when engine_speed_rpm is not null then engine_speed_rpm > 0
        when vehicle_id in ({{ _driven_by("powertrain in ('phev', 'hev')") }}) then null
        when soc_pct is null or vehicle_id in ({{ _driven_by("powertrain is not null") }}) then is_ignition_on
    end
{%- endmacro %}

{% macro _driven_by(condition) -%}
    select vehicle_id from {{ ref('stg_vehicles') }} where {{ condition }}
{%- endmacro %}
