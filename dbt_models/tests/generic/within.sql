{# Values outside what is possible, each with its column; ranges are {column: [lowest, highest]}, null is unbounded.
   A null value is not judged. #}
{% test within(model, ranges) %}
    {% for column, bounds in ranges.items() %}
    {%- if not loop.first %}
    union all
    {% endif -%}
    select '{{ column }}' as column_name, cast({{ column }} as float8) as found
    from {{ model }}
    where
        false
        {%- if bounds[0] is not none %} or {{ column }} < {{ bounds[0] }}{% endif %}
        {%- if bounds[1] is not none %} or {{ column }} > {{ bounds[1] }}{% endif %}
    {%- endfor %}
{% endtest %}
