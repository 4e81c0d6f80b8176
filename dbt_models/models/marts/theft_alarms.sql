-- One row per theft among fuel events, per other fall that the model puts above the alarm threshold, and per sum of nights.
{{ config(materialized='table', indexes=by_vehicle_and('event_id', day='local_date')) }}

with events as (

    select * from {{ ref('stg_fuel_events') }}
    where kind in ('theft', 'slow_loss')

),

-- What is judged: candidates, and the thefts and losses of which none is known.
falls as (

    select event_id, vehicle_id, started_at, ended_at from {{ ref('stg_theft_candidates') }}
    union all
    select event_id, vehicle_id, started_at, ended_at from events
    where event_id not in (select event_id from {{ ref('stg_theft_candidates') }})

),

-- Which review is about which fall, as fleet_assets/core/theft/labels.py says it: the one of its id, else the nearest of
-- those whose start or end lies within 15 minutes of its own.
distances as (

    select
        reviews.review_id,
        reviews.reviewed_at,
        falls.event_id,
        falls.started_at,
        coalesce(reviews.event_id = falls.event_id, false) as is_named,
        abs({{ seconds_between('reviews.event_started_at', 'falls.started_at') }}) as start_s,
        abs({{ seconds_between('reviews.event_ended_at', 'falls.ended_at') }}) as end_s
    from {{ ref('stg_theft_reviews') }} as reviews
    inner join falls on reviews.vehicle_id = falls.vehicle_id

),

nearest as (

    select
        *,
        row_number() over (
            partition by review_id
            order by case when is_named then 0 else 1 end, start_s + end_s, started_at, event_id
        ) as place
    from distances
    where is_named or least(start_s, end_s) <= 900

),

newest as (

    select
        review_id,
        event_id,
        row_number() over (partition by event_id order by reviewed_at desc, review_id desc) as place
    from nearest
    where place = 1

),

-- All alarms of the promoted model have one threshold.
budget as (

    select max(threshold) as threshold from {{ ref('stg_alarms') }}
    where source = 'theft_model'

),

told as (

    select
        coalesce(events.event_id, candidates.event_id) as event_id,
        coalesce(events.vehicle_id, candidates.vehicle_id) as vehicle_id,
        coalesce(
            events.kind, case when candidates.kind in ('slow', 'nights') then 'slow_loss' else 'theft' end
        ) as kind,
        candidates.kind as candidate_kind,
        events.event_id is not null as is_fuel_event,
        coalesce(events.started_at, candidates.started_at) as started_at,
        coalesce(events.ended_at, candidates.ended_at) as ended_at,
        coalesce(events.closed_at, candidates.closed_at) as closed_at,
        coalesce(events.local_date, candidates.local_date) as local_date,
        coalesce(events.volume_l, candidates.volume_l) as volume_l,
        events.volume_sd_l,
        coalesce(candidates.share_pct, abs(events.change_pct)) as share_pct,
        coalesce(
            candidates.size_over_noise, abs(events.change_pct) / nullif(events.change_sd_pct, 0)
        ) as size_over_noise,
        coalesce(events.level_before_pct, candidates.level_before_pct) as level_before_pct,
        events.level_after_pct,
        events.expected_consumption_l,
        coalesce(events.is_engine_on, candidates.is_engine_on) as is_engine_on,
        coalesce(events.latitude_deg, alarms.latitude_deg) as latitude_deg,
        coalesce(events.longitude_deg, alarms.longitude_deg) as longitude_deg,
        coalesce(events.zone_id, candidates.zone_id) as zone_id,
        events.event_cost,
        events.event_currency,
        scores.probability,
        scores.model_version,
        budget.threshold,
        scores.probability >= budget.threshold as is_above_threshold,
        alarms.alarm_id
    from events
    full outer join {{ ref('stg_theft_candidates') }} as candidates on events.event_id = candidates.event_id
    left join {{ ref('stg_theft_scores') }} as scores on coalesce(events.event_id, candidates.event_id) = scores.event_id
    left join
        {{ ref('stg_alarms') }} as alarms
        on coalesce(events.event_id, candidates.event_id) = alarms.event_id and alarms.source in ('theft_model', 'theft_rule')
    cross join budget

),

placed as (

    select
        told.*,
        vehicles.fuel,
        coalesce(vehicles.timezone, '{{ var("default_timezone") }}') as timezone
    from told
    left join {{ ref('stg_vehicles') }} as vehicles on told.vehicle_id = vehicles.vehicle_id
    where told.kind = 'theft' and told.is_fuel_event or told.is_above_threshold or told.candidate_kind = 'nights'

),

-- The price of the vehicle's fuel in force at the start: that of the zone before the one everywhere.
prices as (

    select
        placed.event_id,
        prices.price,
        prices.currency,
        row_number() over (
            partition by placed.event_id order by case when prices.zone is null then 1 else 0 end, prices.valid_from desc
        ) as place
    from placed
    inner join
        {{ ref('stg_energy_prices') }} as prices
        on
            placed.fuel = prices.kind
            and placed.started_at >= prices.valid_from
            and (prices.valid_to is null or placed.started_at < prices.valid_to)
            and (prices.zone is null or prices.zone = placed.zone_id)
            and (
                prices.daily_from is null
                or prices.daily_from < prices.daily_to
                and cast((placed.started_at at time zone placed.timezone) as time) >= prices.daily_from
                and cast((placed.started_at at time zone placed.timezone) as time) < prices.daily_to
                or prices.daily_from > prices.daily_to
                and (
                    cast((placed.started_at at time zone placed.timezone) as time) >= prices.daily_from
                    or cast((placed.started_at at time zone placed.timezone) as time) < prices.daily_to
                )
            )
    where not placed.is_fuel_event

),

priced as (

    select
        placed.*,
        case when placed.is_fuel_event then placed.event_cost else prices.price * placed.volume_l end as cost,
        case when placed.is_fuel_event then placed.event_currency
            when placed.volume_l is not null then prices.currency
        end as currency
    from placed
    left join prices on placed.event_id = prices.event_id and prices.place = 1

)

select
    priced.event_id,
    priced.vehicle_id,
    priced.kind,
    priced.is_fuel_event,
    priced.candidate_kind,
    priced.started_at,
    priced.ended_at,
    priced.closed_at,
    priced.local_date,
    priced.volume_l,
    priced.volume_sd_l,
    priced.share_pct,
    priced.size_over_noise,
    priced.level_before_pct,
    priced.level_after_pct,
    priced.expected_consumption_l,
    priced.is_engine_on,
    priced.latitude_deg,
    priced.longitude_deg,
    priced.zone_id,
    priced.probability,
    priced.threshold,
    priced.is_above_threshold,
    priced.model_version,
    priced.alarm_id,
    priced.cost,
    priced.probability * priced.cost as expected_cost,
    priced.currency,
    reviews.verdict,
    reviews.reason,
    reviews.note,
    reviews.reviewed_at,
    reviews.reviewer,
    coalesce({{ shown('priced.volume_l') }} || ' l', {{ shown('priced.share_pct') }} || ' % of the tank', 'Fuel')
    || ' gone, ' || {{ shown_minute('priced.started_at', 'priced.timezone') }} || ' to '
    || {{ shown_minute('priced.ended_at', 'priced.timezone') }} || ' (' || priced.timezone || ')'
    || coalesce(', in zone ' || priced.zone_id, '')
    || case when priced.is_engine_on then ', engine running' when not priced.is_engine_on then ', engine off' else '' end
    || coalesce('; level ' || {{ shown('priced.level_before_pct') }} || ' % before', '')
    || coalesce(' and ' || {{ shown('priced.level_after_pct') }} || ' % after', '')
    || coalesce('; ' || {{ shown('priced.expected_consumption_l') }} || ' l expected to be burned', '')
    || coalesce('; ' || {{ shown('priced.size_over_noise') }} || ' times its standard deviation', '')
    || coalesce('; probability ' || {{ shown('priced.probability', 2) }}, '; not scored')
    || case when priced.is_fuel_event then '' else '; no fuel event' end
    || coalesce('; reviewed: ' || replace(reviews.verdict || ', ' || reviews.reason, '_', ' '), '')
    || '.' as explanation
from priced
left join newest on priced.event_id = newest.event_id and newest.place = 1
left join {{ ref('stg_theft_reviews') }} as reviews on newest.review_id = reviews.review_id
