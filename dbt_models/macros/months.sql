{# The first day of the month in which a day lies. #}
{% macro month_of(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}

{# Days, or hours of them, of the months that are made, each with its month, in the order in which they are summed.
   A text of the caller's FROM. #}
{% macro of_months(days, order_by='local_date') -%}
    (
        select
            *,
            {{ month_of('local_date') }} as month
        from {{ days }}
        {% if is_incremental() %}where {{ is_touched('local_date') }}{% endif %}
        order by vehicle_id, {{ order_by }}
    ) as ordered
{%- endmacro %}
