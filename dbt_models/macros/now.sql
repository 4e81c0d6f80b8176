{# The present instant. `--vars '{now: "2026-03-02 10:00:00+00"}'` builds views that stand still, for tests. #}
{% macro now() -%}
    {%- if var('now') -%} timestamptz '{{ var("now") }}' {%- else -%} current_timestamp {%- endif -%}
{%- endmacro %}
