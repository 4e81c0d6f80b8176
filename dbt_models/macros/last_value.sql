{# The newest value of a column that is not null; of sources that speak at the same instant the first by name. DuckDB
   reads a day's rows in the order of its file (vehicle, instant, source) and keeps the first of equals. #}
{% macro last_value(column) -%}
    {{ return(adapter.dispatch('last_value')(column)) }}
{%- endmacro %}

{% macro duckdb__last_value(column) -%}
    arg_max({{ column }}, recorded_at)
{%- endmacro %}

{% macro default__last_value(column) -%}
    (array_agg({{ column }} order by recorded_at desc, source) filter (where {{ column }} is not null))[1]
{%- endmacro %}
