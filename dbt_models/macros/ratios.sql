{# Ratio of two sums; null where the denominator is null or 0. #}
{% macro ratio(numerator, denominator, scale=1) -%}
    {{ scale }} * {{ numerator }} / nullif({{ denominator }}, 0)
{%- endmacro %}
