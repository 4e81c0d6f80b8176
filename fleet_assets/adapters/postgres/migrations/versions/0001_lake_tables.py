"""The lake's tables, and the books of what was loaded and built."""

from alembic import op

revision = "0001"
down_revision = None

LAKE = {
    "can_signals": """
        vehicle_id text not null, recorded_at timestamptz not null, bus text not null, message text not
        null, signal text not null, source_address smallint, value float8, text text, unit text, entry_id
        text not null
    """,
    "dbc_bindings": """
        vehicle_id text not null, bus text not null, dbc text not null, constraint dbc_bindings_pkey primary
        key (vehicle_id, bus, dbc)
    """,
    "dbc_files": """
        name text not null, origin text not null, sha256 text not null, text text not null, constraint
        dbc_files_pkey primary key (name)
    """,
    "driver_assignments": """
        driver_id text not null, vehicle_id text not null, valid_from timestamptz not null, valid_to
        timestamptz, constraint driver_assignments_pkey primary key (vehicle_id, valid_from)
    """,
    "drivers": """
        driver_id text not null, name text, phone text, constraint drivers_pkey primary key (driver_id)
    """,
    "energy_prices": """
        kind text not null, price float8 not null, currency text, per text, valid_from timestamptz not null,
        valid_to timestamptz, zone text
    """,
    "ingest_daily": """
        source text not null, vehicle_id text not null, date date not null, first_seen_at timestamptz not
        null, last_seen_at timestamptz not null, last_received_at timestamptz not null, received_count
        bigint not null, expected_count bigint, lag_p50_s float8, lag_p95_s float8, silence_count bigint not
        null, silence_s float8 not null
    """,
    "ingest_gaps": """
        gap_id text not null, source text not null, vehicle_id text, bus text, started_at timestamptz not
        null, ended_at timestamptz not null, missing_count bigint, reason text not null, detail text,
        noted_at timestamptz not null
    """,
    "ingest_hourly": """
        source text not null, vehicle_id text not null, hour_at timestamptz not null, first_seen_at
        timestamptz not null, last_seen_at timestamptz not null, received_count bigint not null
    """,
    "ingest_outages": """
        source text not null, started_at timestamptz not null, ended_at timestamptz not null, outage_s
        float8 not null, regular_hours bigint not null, vehicle_count bigint not null
    """,
    "raw_can": """
        recorded_at timestamptz not null, received_at timestamptz not null, vehicle_id text not null, bus
        text not null, arbitration_id bigint not null, is_extended boolean not null, is_fd boolean, is_error
        boolean, dlc smallint not null, data bytea not null, entry_id text not null
    """,
    "raw_telemetry": """
        vehicle_id text not null, recorded_at timestamptz not null, received_at timestamptz, source text not
        null, latitude_deg float8, longitude_deg float8, altitude_m float8, heading_deg float8,
        gps_speed_kmh float8, hdop float8, satellite_count bigint, speed_kmh float8, odometer_km float8,
        acceleration_ms2 float8, lateral_acceleration_ms2 float8, is_ignition_on boolean, engine_speed_rpm
        float8, engine_load_pct float8, throttle_pct float8, coolant_temp_c float8, oil_temp_c float8,
        oil_pressure_kpa float8, intake_air_temp_c float8, ambient_temp_c float8, engine_hours_h float8,
        idle_hours_h float8, fuel_level_pct float8, fuel_rate_lph float8, fuel_used_total_l float8,
        idle_fuel_total_l float8, def_level_pct float8, soc_pct float8, hv_power_kw float8, hv_voltage_v
        float8, hv_current_a float8, hv_battery_temp_c float8, hv_capacity_kwh float8, is_charger_connected
        boolean, charger_power_kw float8, charger_voltage_v float8, electric_motor_speed_rpm float8,
        supply_voltage_v float8, dtc_codes text[], entry_id text not null
    """,
    "signal_maps": """
        name text not null, origin text not null, sha256 text not null, text text not null, constraint
        signal_maps_pkey primary key (name)
    """,
    "standing_periods": """
        vehicle_id text not null, started_at timestamptz not null, ended_at timestamptz not null,
        engine_on_s float8 not null, idle_fuel_l float8, charger_s float8 not null, latitude_deg float8,
        longitude_deg float8
    """,
    "stops": """
        stop_id text not null, vehicle_id text not null, started_at timestamptz not null, ended_at
        timestamptz not null, closed_at timestamptz not null, local_date date not null, duration_s float8
        not null, latitude_deg float8, longitude_deg float8, engine_on_s float8, idle_s float8, idle_fuel_l
        float8, fuel_level_change_pct float8, unobserved_km float8, zone_id text, kind text, is_truncated
        boolean not null, rules_version text not null
    """,
    "telemetry": """
        vehicle_id text not null, recorded_at timestamptz not null, received_at timestamptz, source text not
        null, latitude_deg float8, longitude_deg float8, altitude_m float8, heading_deg float8,
        gps_speed_kmh float8, hdop float8, satellite_count bigint, speed_kmh float8, odometer_km float8,
        acceleration_ms2 float8, lateral_acceleration_ms2 float8, is_ignition_on boolean, engine_speed_rpm
        float8, engine_load_pct float8, throttle_pct float8, coolant_temp_c float8, oil_temp_c float8,
        oil_pressure_kpa float8, intake_air_temp_c float8, ambient_temp_c float8, engine_hours_h float8,
        idle_hours_h float8, fuel_level_pct float8, fuel_rate_lph float8, fuel_used_total_l float8,
        idle_fuel_total_l float8, def_level_pct float8, soc_pct float8, hv_power_kw float8, hv_voltage_v
        float8, hv_current_a float8, hv_battery_temp_c float8, hv_capacity_kwh float8, is_charger_connected
        boolean, charger_power_kw float8, charger_voltage_v float8, electric_motor_speed_rpm float8,
        supply_voltage_v float8, dtc_codes text[]
    """,
    "trips": """
        trip_id text not null, vehicle_id text not null, driver_id text, started_at timestamptz not null,
        ended_at timestamptz not null, closed_at timestamptz not null, local_date date not null,
        start_reason text not null, end_reason text not null, duration_s float8 not null, moving_s float8
        not null, idle_s float8 not null, distance_km float8 not null, distance_source text not null,
        start_odometer_km float8, end_odometer_km float8, start_latitude_deg float8, start_longitude_deg
        float8, end_latitude_deg float8, end_longitude_deg float8, max_speed_kmh float8, avg_speed_kmh
        float8, point_count bigint not null, coverage_pct float8 not null, elevation_gain_m float8,
        elevation_loss_m float8, ambient_temp_c float8, start_fuel_level_pct float8, end_fuel_level_pct
        float8, fuel_used_l float8, fuel_source text, fuel_l_per_100km float8, energy_used_kwh float8,
        energy_discharged_kwh float8, energy_regenerated_kwh float8, electric_energy_kwh float8,
        kwh_per_100km float8, start_soc_pct float8, end_soc_pct float8, electric_km float8, engine_km
        float8, engine_started_at timestamptz, soc_at_engine_start_pct float8, is_truncated boolean not
        null, rules_version text not null
    """,
    "vehicle_refs": """
        source text not null, external_id text not null, vehicle_id text not null, constraint
        vehicle_refs_pkey primary key (source, external_id)
    """,
    "vehicles": """
        vehicle_id text not null, name text, plate text, vin text, make text, model text, model_year bigint,
        powertrain text, fuel text, tank_capacity_l float8, battery_capacity_kwh float8, timezone text, city
        text, segment text, dbc text, gvw_kg float8, constraint vehicles_pkey primary key (vehicle_id)
    """,
    "zones": """
        zone_id text not null, name text, kind text, latitude_deg float8, longitude_deg float8, radius_m
        float8, polygon text, constraint zones_pkey primary key (zone_id)
    """,
}
"""Columns of each table."""

MONTHS = {
    "can_signals": "recorded_at",
    "ingest_daily": "last_seen_at",
    "ingest_gaps": "started_at",
    "ingest_hourly": "hour_at",
    "ingest_outages": "ended_at",
    "raw_can": "recorded_at",
    "raw_telemetry": "recorded_at",
    "standing_periods": "started_at",
    "stops": "closed_at",
    "telemetry": "recorded_at",
    "trips": "closed_at",
}
"""The instant by whose month a table is partitioned; a BRIN index tells its days apart."""

VEHICLES = {
    "standing_periods": "vehicle_id, started_at",
    "stops": "vehicle_id, started_at",
    "telemetry": "vehicle_id, recorded_at",
    "trips": "vehicle_id, started_at",
}
"""Columns of the b-tree that finds the rows of one vehicle in order of time."""

BOOKS = (
    """create table fleet_meta.facts (name text not null, value text not null, primary key (name))""",
    """create table fleet_meta.loaded (
        table_name text not null, day date not null, content text not null, row_count bigint not null,
        loaded_at timestamptz not null default now(), primary key (table_name, day)
    )""",
    """create table fleet_meta.mart_inputs (
        model text not null, inputs text not null, published_at timestamptz not null default now(), primary key (model)
    )""",
)


def upgrade() -> None:
    """Forward only: the tables behind the lake can be loaded anew."""
    for name, columns in LAKE.items():
        by = f" partition by range ({MONTHS[name]})" if name in MONTHS else ""
        op.execute(f"create table fleet.{name} ({columns}){by}")
    for name, instant in MONTHS.items():
        op.execute(f"create index {name}_{instant}_brin on fleet.{name} using brin ({instant})")
    for name, columns in VEHICLES.items():
        op.execute(f"create index {name}_vehicle on fleet.{name} ({columns})")
    for text in BOOKS:
        op.execute(text)
