{# Indexes of a table where the warehouse is PostgreSQL; DuckDB finds rows by the bounds it keeps of every block. #}
{% macro on_postgres(indexes) -%}
    {{ return(indexes if target.type == 'postgres' else []) }}
{%- endmacro %}

{# What a mart by vehicle and time is asked for: one vehicle, or the last row of each; and some days of the whole fleet. #}
{% macro by_vehicle_and(time, day=none) -%}
    {{ return(on_postgres([{'columns': ['vehicle_id', time], 'unique': True}, {'columns': [day or time]}])) }}
{%- endmacro %}
