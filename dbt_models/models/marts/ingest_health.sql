-- One row per source, vehicle and UTC day of which anything is known: what came in, how late, and what is missing.
-- The tables it reads are small, so that it is made anew as a whole.
{{ config(materialized='table') }}

with received as (

    select * from {{ source('lake', 'ingest_daily') }}

),

gap_days as (

    select
        *,
        cast(started_at at time zone 'UTC' as date) as first_date,
        {{ each_day("cast(started_at at time zone 'UTC' as date)", "cast(ended_at at time zone 'UTC' as date)") }} as utc_date
    from {{ source('lake', 'ingest_gaps') }}
    where vehicle_id is not null

),

gaps as (

    select
        source,
        vehicle_id,
        utc_date,
        count(*) as gap_count,
        {{ exact_sum('gap_s', 'started_at, gap_id') }} as gap_s,
        sum(missing_count) as missing_count,
        count(*) - count(known_count) as uncounted_count
    from (
        select
            source,
            vehicle_id,
            utc_date,
            started_at,
            gap_id,
            {{ seconds_between(
                'greatest(started_at, ' ~ local_midnight('utc_date', "'UTC'") ~ ')',
                'least(ended_at, ' ~ local_midnight("(utc_date + interval '1 day')", "'UTC'") ~ ')'
            ) }} as gap_s,
            -- Rows cannot be told apart by day: they count on the day on which the gap began.
            case when utc_date = first_date then missing_count else 0 end as missing_count,
            missing_count as known_count
        from gap_days
        order by source, vehicle_id, utc_date, started_at, gap_id
    ) as cut
    group by source, vehicle_id, utc_date

),

quarantined as (

    select source, vehicle_id, set_aside_date as utc_date, sum(row_count) as quarantined_count,
        sum(case when reason = 'clock' then row_count else 0 end) as clock_count
    from {{ source('lake', 'ingest_quarantined') }}
    where vehicle_id is not null and row_count > 0
    group by source, vehicle_id, set_aside_date

),

outages as (

    select source, utc_date, sum(day_outage_s) as outage_s
    from (
        select
            source,
            utc_date,
            started_at,
            {{ seconds_between(
                'greatest(started_at, ' ~ local_midnight('utc_date', "'UTC'") ~ ')',
                'least(ended_at, ' ~ local_midnight("(utc_date + interval '1 day')", "'UTC'") ~ ')'
            ) }} as day_outage_s
        from (
            select
                *,
                {{ each_day("cast(started_at at time zone 'UTC' as date)", "cast(ended_at at time zone 'UTC' as date)") }} as utc_date
            from {{ source('lake', 'ingest_outages') }}
        ) as days
        order by source, utc_date, started_at
    ) as cut
    group by source, utc_date

),

known as (

    select source, vehicle_id, date as utc_date from received
    union
    select source, vehicle_id, utc_date from gaps
    union
    select source, vehicle_id, utc_date from quarantined
    union
    -- A day on which nothing came although it should have: for the vehicles heard in the week before.
    select outages.source, received.vehicle_id, outages.utc_date
    from outages
    inner join received
        on outages.source = received.source
        and received.date between outages.utc_date - 7 and outages.utc_date

)

select
    known.source,
    known.vehicle_id,
    known.utc_date,
    received.expected_count,
    coalesce(received.received_count, 0) as received_count,
    received.first_seen_at,
    received.last_seen_at,
    received.lag_p50_s,
    received.lag_p95_s,
    received.clock_behind_s,
    received.silence_count,
    received.silence_s,
    coalesce(gaps.gap_count, 0) as gap_count,
    coalesce(gaps.gap_s, 0) as gap_s,
    cast(case when gaps.uncounted_count > 0 then null else coalesce(gaps.missing_count, 0) end as bigint) as missing_count,
    cast(coalesce(quarantined.quarantined_count, 0) as bigint) as quarantined_count,
    cast(coalesce(quarantined.clock_count, 0) as bigint) as clock_count,
    outages.outage_s is not null as is_outage,
    coalesce(outages.outage_s, 0) as outage_s
from known
left join received
    on known.source = received.source
    and known.vehicle_id = received.vehicle_id
    and known.utc_date = received.date
left join gaps
    on known.source = gaps.source
    and known.vehicle_id = gaps.vehicle_id
    and known.utc_date = gaps.utc_date
left join quarantined
    on known.source = quarantined.source
    and known.vehicle_id = quarantined.vehicle_id
    and known.utc_date = quarantined.utc_date
left join outages on known.source = outages.source and known.utc_date = outages.utc_date
