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
        'energy_used_kwh', 'known_fuel_km', 'rated_fuel_l', 'rated_fuel_km', 'rated_energy_kwh', 'rated_electric_km',
        'elevation_gain_m',
    ] %}
    {{ exact_sum(column, order_by) }} as {{ column }},
    {%- endfor %}
    max(max_speed_kmh) as max_speed_kmh
{%- endmacro %}

{# Sum of two amounts of which one may not be known; null where neither is. #}
{% macro sum_of_known(one, other) -%}
    coalesce({{ one }} + {{ other }}, {{ one }}, {{ other }})
{%- endmacro %}

{# What is known of costs in a group: their sum where all of them are in one currency, and that currency. Amounts in
   different currencies are never added. Costs without a currency are in one that has no name (fleet_assets/core/prices.py).
   `priced` is the amount that the costs of a sum of sums are of: where it is known and its cost is not, the cost was of
   several currencies. #}
{% macro cost_sum(cost, currency, order_by, priced=none) -%}
    case when {{ is_one_money(cost, currency, priced) }} then {{ exact_sum(cost, order_by) }} end
{%- endmacro %}

{% macro one_currency(cost, currency, priced=none) -%}
    case when {{ is_one_money(cost, currency, priced) }} then min(case when {{ cost }} is not null then {{ currency }} end) end
{%- endmacro %}

{% macro is_one_money(cost, currency, priced=none) -%}
    {%- set named = "case when " ~ cost ~ " is not null then coalesce(" ~ currency ~ ", '') end" -%}
    min({{ named }}) = max({{ named }})
    {%- if priced %} and count(case when {{ priced }} is not null and {{ cost }} is null then 1 end) = 0{% endif %}
{%- endmacro %}
