{# Numbers and instants as words of a sentence, the same in both databases. #}

{# A number with so many digits behind the point; halves go up. Neither database's own rounding is the other's. #}
{% macro shown(number, digits=1) -%}
    cast(cast(floor({{ number }} * {{ 10 ** digits }} + 0.5) / {{ 10 ** digits }} as decimal(18, {{ digits }})) as text)
{%- endmacro %}

{# Day and minute of an instant where the zone is. #}
{% macro shown_minute(instant, timezone) -%}
    substr(cast(({{ instant }} at time zone {{ timezone }}) as text), 1, 16)
{%- endmacro %}
