"""The database is what the contracts say, after the migrations alone."""

from __future__ import annotations

import pytest

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.migrate import current, differences, migrate, newest
from fleet_assets.adapters.postgres.ready import prepare
from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import UsageError
from fleet_assets_tests.adapters.postgres.before_energy import UNDO


@pytest.fixture
def server(postgres_url: str) -> Server:
    """A database of this test with the schema of this version."""
    server = Server(postgres_url)
    assert prepare(server) == []
    return server


def test_the_migrations_make_what_the_contracts_say(server: Server) -> None:
    assert differences(server) == [], 'run `make migration NAME="what changed"` and commit the file it writes'


def test_every_column_says_its_meaning_and_unit(server: Server) -> None:
    asked = (
        "select relname, attname, col_description(c.oid, attnum) from pg_attribute join pg_class c on c.oid = attrelid "
        "where relnamespace = 'fleet'::regnamespace and attnum > 0 and relkind in ('r', 'p')"
    )
    with server.transaction() as connection:
        said = {(table, column): text for table, column, text in connection.execute(asked).fetchall()}
    columns = [(table.name, column) for table in TABLES.values() for column in table.columns]
    assert {(name, column.name) for name, column in columns} == set(said)
    assert said["trips", "distance_km"] == "Distance driven. [km]"
    assert [where for where, text in said.items() if not text] == []


def test_day_tables_are_partitioned_by_the_month_of_their_instant(server: Server) -> None:
    asked = "select relname, pg_get_partkeydef(partrelid) from pg_partitioned_table join pg_class on oid = partrelid"
    with server.transaction() as connection:
        found = dict(connection.execute(asked).fetchall())
    assert found == {
        table.name: f"RANGE ({table.partition_by})" for table in TABLES.values() if table.partition_by is not None
    }


def test_migrating_again_changes_nothing(server: Server) -> None:
    assert migrate(server) == newest()


def test_rows_from_before_a_drive_could_be_unobserved_are_kept(server: Server) -> None:
    trip = "'t', 'v', '2026-03-02 10:00+00', '2026-03-02 10:10+00', '2026-03-02 10:15+00', '2026-03-02'"
    with server.owning() as connection:
        for sql in (
            *UNDO,
            "alter table fleet.standing_periods drop column is_standing, alter engine_on_s set not null",
            "alter table fleet.trips drop column standing_s, drop column unknown_s, drop column cadence_s, "
            "drop column distance_error_km, drop column energy_source, alter moving_s set not null, "
            "alter idle_s set not null",
            "alter table fleet.trips drop column quality",
            "alter table fleet.ingest_daily drop column cadence_s, drop column clock_behind_s",
            "drop table fleet.last_readings, fleet.readings_before_silence",
            "update fleet_meta.alembic_version set version_num = '0002'",
            "create table fleet_parts.trips_of_march partition of fleet.trips "
            "for values from ('2026-03-01 00:00+00') to ('2026-04-01 00:00+00')",
            "create table fleet_parts.periods_of_march partition of fleet.standing_periods "
            "for values from ('2026-03-01 00:00+00') to ('2026-04-01 00:00+00')",
            "insert into fleet.trips (trip_id, vehicle_id, started_at, ended_at, closed_at, local_date, start_reason, "
            "end_reason, duration_s, moving_s, idle_s, distance_km, distance_source, point_count, coverage_pct, "
            "is_truncated, rules_version) "
            f"values ({trip}, 'motion', 'stop', 600, 540, 20, 8, 'speed', 9, 90, false, 'r')",
            "insert into fleet.standing_periods (vehicle_id, started_at, ended_at, engine_on_s, charger_s) "
            "values ('v', '2026-03-02 11:00+00', '2026-03-02 12:00+00', 0, 0)",
        ):
            connection.execute(sql.encode())
    assert migrate(server) == "0002"
    assert differences(server) == []
    with server.transaction() as connection:
        assert connection.execute("select moving_s, standing_s, unknown_s from fleet.trips").fetchall() == [
            (540.0, None, 60.0)
        ]
        assert connection.execute("select is_standing from fleet.standing_periods").fetchall() == [(True,)]


def test_a_database_of_a_newer_version_is_left_alone(server: Server) -> None:
    with server.owning() as connection:
        connection.execute("update fleet_meta.alembic_version set version_num = '9999'")
    with pytest.raises(UsageError, match="at schema 9999, which this version of fleet_assets does not know"):
        migrate(server)
    with server.transaction() as connection:
        assert current(connection) == "9999"
