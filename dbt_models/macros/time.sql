{# Instants and local days, as both databases say them. #}

{# Seconds that passed, whatever zone the session of who asks has: DuckDB subtracts the wall clocks of that zone, and
   gives an hour too many or too few where its clocks change in between. #}
{% macro seconds_between(started_at, ended_at) -%}
    {{ return(adapter.dispatch('seconds_between')(started_at, ended_at)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(started_at, ended_at) -%}
    (epoch_us({{ ended_at }}) - epoch_us({{ started_at }})) / 1e6
{%- endmacro %}

{% macro default__seconds_between(started_at, ended_at) -%}
    cast(extract(epoch from ({{ ended_at }} - {{ started_at }})) as float8)
{%- endmacro %}

{# The instant at which a day begins where the zone is: 23 or 25 hours after the one before when clocks change. #}
{% macro local_midnight(local_date, timezone) -%}
    (cast({{ local_date }} as timestamp) at time zone {{ timezone }})
{%- endmacro %}

{% macro local_date(instant, timezone) -%}
    cast(({{ instant }} at time zone {{ timezone }}) as date)
{%- endmacro %}

{# One row per day from first to last, both dates of the relation that the macro's caller names in FROM. #}
{% macro each_day(first, last) -%}
    {{ return(adapter.dispatch('each_day')(first, last)) }}
{%- endmacro %}

{% macro duckdb__each_day(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}

{% macro default__each_day(first, last) -%}
    cast(generate_series({{ first }}, {{ last }}, interval '1 day') as date)
{%- endmacro %}

{# One row per UTC hour that a stretch of time touches, both instants of the relation that the macro's caller names in FROM. #}
{% macro each_hour(started_at, ended_at) -%}
    {{ return(adapter.dispatch('each_hour')(utc_hour(started_at), ended_at)) }}
{%- endmacro %}

{% macro duckdb__each_hour(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}, interval 1 hour))
{%- endmacro %}

{% macro default__each_hour(first, last) -%}
    generate_series({{ first }}, {{ last }}, interval '1 hour')
{%- endmacro %}

{# The UTC hour of an instant: zones of half hours have other ones. #}
{% macro utc_hour(instant) -%}
    (date_trunc('hour', {{ instant }} at time zone 'UTC') at time zone 'UTC')
{%- endmacro %}

{# The UTC day of an instant. #}
{% macro utc_date(instant) -%}
    {{ return(adapter.dispatch('utc_date')(instant)) }}
{%- endmacro %}

{# Whole numbers: four times as fast as DuckDB's time zones, which matters on telemetry only. #}
{% macro duckdb__utc_date(instant) -%}
    (date '1970-01-01' + cast(floor(epoch_us({{ instant }}) / 86400000000) as integer))
{%- endmacro %}

{% macro default__utc_date(instant) -%}
    cast(({{ instant }} at time zone 'UTC') as date)
{%- endmacro %}
