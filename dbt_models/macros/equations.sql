{# Rows of one key in which two relations tell different amounts, beyond the rounding of a sum: the keys that one of them
   lacks, amounts that one of them does not know, and those that differ. What a test of an equation returns. #}
{% macro unequal(told, summed, key, amounts) -%}
    select
        {% for column in key -%}
        coalesce(told.{{ column }}, summed.{{ column }}) as {{ column }},
        {% endfor -%}
        {% for column in amounts -%}
        told.{{ column }} as told_{{ column }},
        summed.{{ column }} as summed_{{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ told }} as told
    full outer join
        {{ summed }} as summed
        on {% for column in key %}told.{{ column }} = summed.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    where
        told.{{ key[0] }} is null
        or summed.{{ key[0] }} is null
        {%- for column in amounts %}
        or (told.{{ column }} is null) <> (summed.{{ column }} is null)
        or abs(told.{{ column }} - summed.{{ column }}) > 1e-6 * (1 + abs(summed.{{ column }}))
        {%- endfor %}
{%- endmacro %}

{# The sum of each amount, under its own name. #}
{% macro sum_of_each(amounts) -%}
    {%- for column in amounts -%}
        sum({{ column }}) as {{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
