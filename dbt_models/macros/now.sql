{# The present instant. `--vars '{now: "2026-03-02 10:00:00+00"}'` builds views that stand still, for tests. #}
{% macro now() -%}
    {%- if var('now') -%} timestamptz '{{ var("now") }}' {%- else -%} current_timestamp {%- endif -%}
{%- endmacro %}

{# The last that is known of every vehicle, with its local day now, when that began, and what it does. A text within the
   views, no model of its own: published views depend on published tables alone. #}
{% macro vehicles_now() -%}
    (
        select
            *,
            {{ local_date('now_at', 'timezone') }} as local_date,
            {{ local_midnight(local_date('now_at', 'timezone'), 'timezone') }} as midnight_at,
            case
                when last_seen_at is null then 'never_seen'
                when last_seen_at < now_at - interval '{{ var("silent_after_min") }} minutes' then 'silent'
                when last_moved_at >= last_seen_at - interval '{{ var("moving_within_s") }} seconds' then 'moving'
                when is_engine_on then 'idling'
                else 'standing'
            end as state
        from (select *, {{ now() }} as now_at from {{ ref('vehicle_last_known') }}) as known
    )
{%- endmacro %}
