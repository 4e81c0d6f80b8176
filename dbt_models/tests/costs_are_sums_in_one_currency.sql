-- Days and months of a vehicle whose cost is not the sum of what was spent, where all of it was in one currency, or is one
-- where it was in several. No currency is one that has no name.
with spent as (
    select
        'charging' as kind,
        vehicle_id,
        local_date,
        cost,
        coalesce(currency, '') as currency
    from {{ ref('stg_charging_sessions') }}
    where cost is not null
    union all
    select
        'refuel' as kind,
        vehicle_id,
        local_date,
        refuel_cost as cost,
        coalesce(currency, '') as currency
    from {{ ref('stg_fuel_events') }}
    where refuel_cost is not null
),

periods as (
    select
        'day' as period,
        kind,
        vehicle_id,
        local_date as first_date,
        cost,
        currency
    from spent
    union all
    select
        'month' as period,
        kind,
        vehicle_id,
        {{ month_of('local_date') }} as first_date,
        cost,
        currency
    from spent
),

summed as (
    select
        period,
        kind,
        vehicle_id,
        first_date,
        min(currency) as currency,
        sum(cost) as cost
    from periods
    group by period, kind, vehicle_id, first_date
    having count(distinct currency) = 1
),

told as (
    {%- for period, kind, mart, day, cost, currency in [
        ('day', 'charging', 'charging_daily', 'local_date', 'cost', 'currency'),
        ('day', 'refuel', 'fuel_daily', 'local_date', 'refuel_cost', 'currency'),
        ('month', 'charging', 'monthly_summary', 'month', 'charging_cost', 'charging_currency'),
        ('month', 'refuel', 'monthly_summary', 'month', 'fuel_cost', 'fuel_currency'),
    ] %}
    select
        '{{ period }}' as period,
        '{{ kind }}' as kind,
        vehicle_id,
        {{ day }} as first_date,
        coalesce({{ currency }}, '') as currency,
        {{ cost }} as cost
    from {{ ref(mart) }}
    where {{ cost }} is not null or {{ currency }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

{{ unequal('told', 'summed', ['period', 'kind', 'vehicle_id', 'first_date', 'currency'], ['cost']) }}
