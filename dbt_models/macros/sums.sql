{# Sums of floats in one order, so that equal lakes give equal marts to the last bit, on both databases and however the
   rows lie there. `order_by` is what the rows of the caller's FROM are ordered by within a group.
   DuckDB adds up in the order of its input where a query has one thread (profiles.yml); its own `sum(x order by y)`
   sorts once a column and took 15 times as long. PostgreSQL gives no such promise, and sorts once for all columns. #}
{% macro exact_sum(column, order_by) -%}
    {{ return(adapter.dispatch('exact_sum')(column, order_by)) }}
{%- endmacro %}

{% macro duckdb__exact_sum(column, order_by) -%}
    sum({{ column }})
{%- endmacro %}

{% macro default__exact_sum(column, order_by) -%}
    sum({{ column }} order by {{ order_by }})
{%- endmacro %}

{# What observed trips, and days of them, add up; each under its own name. #}
{% macro trip_sums(order_by) -%}
    cast(sum(ev_only_trip_count) as bigint) as ev_only_trip_count,
    cast(sum(engine_trip_count) as bigint) as engine_trip_count,
    {%- for column in [
        'distance_km', 'electric_km', 'engine_km', 'split_km', 'duration_s', 'moving_s', 'idle_s', 'fuel_used_l',
        'energy_used_kwh', 'rated_fuel_l', 'rated_fuel_km', 'rated_energy_kwh', 'rated_electric_km', 'elevation_gain_m',
    ] %}
    {{ exact_sum(column, order_by) }} as {{ column }},
    {%- endfor %}
    max(max_speed_kmh) as max_speed_kmh
{%- endmacro %}

{# What is known of costs in a group: their sum where all of them are in one currency, and that currency. Amounts in
   different currencies are never added. #}
{% macro cost_sum(cost, currency, order_by) -%}
    case when min({{ currency }}) = max({{ currency }}) then {{ exact_sum(cost, order_by) }} end
{%- endmacro %}

{% macro one_currency(currency) -%}
    case when min({{ currency }}) = max({{ currency }}) then min({{ currency }}) end
{%- endmacro %}
