-- One row per vehicle and UTC day with telemetry: how much came, and the last that is known of the day.
{{ config(
    materialized='incremental', indexes=by_vehicle_and('utc_date'),
    meta={'day': 'utc_date', 'touched_by': ['telemetry']},
) }}

with telemetry as (

    select
        *,
        {{ utc_date('recorded_at') }} as utc_date
    from {{ ref('stg_telemetry') }}
    {% if is_incremental() %}where {{ is_in_touched_utc_day('recorded_at') }}{% endif %}

),

daily as (

    select
        vehicle_id,
        utc_date,
        count(*) as row_count,
        count(distinct source) as source_count,
        min(recorded_at) as first_recorded_at,
        max(recorded_at) as last_recorded_at,
        max(case when is_moving then recorded_at end) as last_moved_at,
        max(case when latitude_deg is not null and longitude_deg is not null then recorded_at end) as positioned_at,
        {{ last_value('case when longitude_deg is not null then latitude_deg end') }} as latitude_deg,
        {{ last_value('case when latitude_deg is not null then longitude_deg end') }} as longitude_deg,
        {{ last_value('speed_kmh') }} as speed_kmh,
        {{ last_value('is_engine_on') }} as is_engine_on,
        {{ last_value('odometer_km') }} as odometer_km,
        {{ last_value('fuel_level_pct') }} as fuel_level_pct,
        {{ last_value('soc_pct') }} as soc_pct
    from telemetry
    group by vehicle_id, utc_date

)

select * from daily
