{# A number that the project's variable states in a unit, as SQL: null where it states none (empty text, null); 0 is a number. Text of
   a command line counts as what it says. Refuses what is no number, or none of [least, most]. #}
{% macro stated_number(name, unit, least, most) -%}
    {%- set said = '' if var(name) is none else (var(name) | string | trim) -%}
    {%- if not said -%}
        cast(null as float8)
    {%- elif not least <= (said | float(least - 1)) <= most -%}
        {{ exceptions.raise_compiler_error(name ~ ": '" ~ said ~ "' is no number of " ~ unit ~ " from " ~ least ~ " to " ~ most) }}
    {%- else -%}
        cast({{ said | float }} as float8)
    {%- endif -%}
{%- endmacro %}
