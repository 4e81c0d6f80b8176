{# A coordinate as JSON says it, to a tenth of a metre, alike on both databases. #}
{% macro decimal_text(degrees) -%}
    cast(cast({{ degrees }} as decimal(9, 6)) as text)
{%- endmacro %}
