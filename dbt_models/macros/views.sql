{# A view of PostgreSQL is replaced where it stands. dbt renames the former one and drops it with all that is made upon it:
   a build of some models would lose views that it does not make, between one that it makes and another. #}
{%- materialization view, adapter='postgres' -%}
    {%- set made = create_or_replace_view() -%}
    {%- do persist_docs(made.relations[0], model) -%}
    {%- do adapter.commit() -%}
    {{ return(made) }}
{%- endmaterialization -%}

{% macro postgres__get_create_view_as_sql(relation, sql) -%}
    {{ return(get_replace_view_sql(relation, sql)) }}
{%- endmacro %}
