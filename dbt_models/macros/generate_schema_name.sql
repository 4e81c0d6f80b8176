{# A layer's schema is called as the project says (staging, intermediate), without the target's name before it.
   In PostgreSQL a build puts each before it: the schemas of one build, renamed when it is published. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set prefix = env_var('FLEET_WAREHOUSE_PREFIX', '') if custom_schema_name else '' -%}
    {{ prefix }}{{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
