{# Incremental by local days: of a mart that is there, only the days that changed partitions of the lake touch are made
   anew. Which ones says FLEET_TOUCHED_DAYS, set by `fleet build` (fleet_assets/pipeline/mart_inputs.py): per lake table the
   stretches of days, both ends included, {"trips": [["2026-03-26", "2026-03-29"]]}. Without it every day is made anew.
   It is read while a model runs, never while the project is parsed.

   A model says in `meta` which of its columns holds its day (`day`), which lake tables touch it (`touched_by`), and, if
   a touched day makes all days of its month anew, `remade_by: month`. #}

{% macro touched_spans() -%}
    {%- set known = env_var('FLEET_TOUCHED_DAYS', '') -%}
    {%- if not known -%}
        {{ return([['0001-01-01', '9999-12-30']]) }}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for table in config.get('meta')['touched_by'] -%}
        {%- do found.extend(fromjson(known).get(table, [])) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# Whether a day, or the first day of a month, is to be made anew; a month with all of its days. #}
{% macro is_touched(column) -%}
    {%- set by_month = config.get('meta').get('remade_by') == 'month' -%}
    (
        false
        {%- for first, last in touched_spans() %}
        {%- if by_month %}
        or (
            {{ column }} >= date '{{ first[:8] }}01'
            and {{ column }} < date_trunc('month', date '{{ last }}') + interval '1 month'
        )
        {%- else %}
        or {{ column }} between date '{{ first }}' and date '{{ last }}'
        {%- endif %}
        {%- endfor %}
    )
{%- endmacro %}

{# Whether an instant lies in a touched UTC day. #}
{% macro is_in_touched_utc_day(column) -%}
    (
        false
        {%- for first, last in touched_spans() %}
        or (
            {{ column }} >= timestamptz '{{ first }} 00:00:00+00'
            and {{ column }} < timestamptz '{{ last }} 00:00:00+00' + interval '24 hours'
        )
        {%- endfor %}
    )
{%- endmacro %}

{# Whether a stretch of time may reach into a touched local day: zones lie 14 hours before to 12 hours after UTC. #}
{% macro may_reach_touched(started_at, ended_at) -%}
    (
        false
        {%- for first, last in touched_spans() %}
        or (
            {{ ended_at }} >= timestamptz '{{ first }} 00:00:00+00' - interval '14 hours'
            and {{ started_at }} < timestamptz '{{ last }} 00:00:00+00' + interval '36 hours'
        )
        {%- endfor %}
    )
{%- endmacro %}

{# The strategy `touched_days`: what the touched days held goes, also where nothing follows it. #}
{% macro get_incremental_touched_days_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }} where {{ is_touched(config.get('meta')['day']) }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}
