"""Lake tables as hypertables: made by an owner without login, compressed by loads, moved to where they are native."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres import roles
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.discrepancies import look_over
from fleet_assets.adapters.postgres.hypertables import move_to_hypertables
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.migrate import migrate, newest
from fleet_assets.adapters.postgres.owners import AdministratorNeeded
from fleet_assets.adapters.postgres.ready import prepare
from fleet_assets.contracts import TABLES, TELEMETRY
from fleet_assets.contracts.errors import ServiceError
from fleet_assets_tests.fixtures.drives import at, drive

DAY_TABLES = {table.name for table in TABLES.values() if table.partition_by}
OLD, LATER = date(2026, 3, 2), date(2026, 3, 3)


def spoken(day: date, minutes: int = 2) -> pl.DataFrame:
    """Telemetry of a drive on a day."""
    rows = drive("van-1", at(f"{day} 08:00"), minutes=minutes)
    return TELEMETRY.conform(rows.lazy().select(name for name in TELEMETRY.schema if name in rows.columns)).collect()


def in_database(url: str) -> pl.DataFrame:
    """What the database has of telemetry, in the lake's order."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("select vehicle_id, recorded_at, source, speed_kmh from fleet.telemetry").fetchall()
    return pl.DataFrame(rows, schema=["vehicle_id", "recorded_at", "source", "speed_kmh"], orient="row").sort(pl.all())


def in_lake(lake: Lake) -> pl.DataFrame:
    rows = lake.scan(TELEMETRY).select("vehicle_id", "recorded_at", "source", "speed_kmh").collect()
    return rows.with_columns(pl.col("recorded_at").cast(pl.Datetime("us", "UTC"))).sort(pl.all())


def chunks(url: str) -> list[tuple[date, bool]]:
    """The days of telemetry that are chunks, and whether they are compressed."""
    asked = (
        "select range_start::date, is_compressed from timescaledb_information.chunks "
        "where hypertable_name = 'telemetry' order by 1"
    )
    with psycopg.connect(url) as connection:
        return connection.execute(asked).fetchall()


def equal(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    return one.rows() == other.rows() and one.height > 0


@pytest.fixture
def loader(timescale_url: str, tmp_path: Path) -> Loader:
    lake = Lake(str(tmp_path / "lake"))
    lake.write(TELEMETRY, OLD, spoken(OLD), "test")
    return Loader(Server(timescale_url), lake)


@pytest.fixture
def native(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """A database whose tables were made before the server had the extension."""
    with monkeypatch.context() as before:
        before.setattr(roles, "could_have_timescale", lambda _: False)
        assert prepare(loader.server) == []
        list(loader.load())
    return loader


def test_hypertables_belong_to_an_owner_without_login_and_loads_compress_what_is_old(
    loader: Loader, timescale_url: str
) -> None:
    assert prepare(loader.server) == []
    list(loader.load())
    with psycopg.connect(timescale_url) as connection:
        asked = "select hypertable_name, owner from timescaledb_information.hypertables"
        assert dict(connection.execute(asked).fetchall()) == dict.fromkeys(DAY_TABLES, "fleet_owner")
        jobs = "select count(*) from timescaledb_information.jobs where hypertable_schema = 'fleet'"
        assert connection.execute(jobs).fetchone() == (0,)
    assert chunks(timescale_url) == [(OLD, True)]
    assert equal(in_database(timescale_url), in_lake(loader.lake))
    # A late row comes to a day that is compressed.
    loader.lake.write(TELEMETRY, OLD, spoken(OLD, minutes=3), "again")
    list(loader.load())
    assert chunks(timescale_url) == [(OLD, True)]
    assert equal(in_database(timescale_url), in_lake(loader.lake))
    found = {one.what: one for one in look_over(loader.server, loader)}
    assert f"{len(DAY_TABLES)} hypertables" in found["version"].says
    assert [one.says for one in found.values() if not one.holds] == []


def test_an_extension_that_comes_later_breaks_nothing_and_its_hypertables_are_a_command_away(
    native: Loader, timescale_url: str
) -> None:
    with psycopg.connect(timescale_url, autocommit=True) as administrator:
        assert prepare(native.server) == []
        asked = "select count(*) from pg_extension where extname = 'timescaledb'"
        assert administrator.execute(asked).fetchone() == (0,)
        administrator.execute("create extension timescaledb")
        administrator.execute("create view public.mine as select count(*) as n from fleet.telemetry")
    native.lake.write(TELEMETRY, LATER, spoken(LATER), "test")
    list(native.load())
    assert migrate(native.server) == newest()
    assert equal(in_database(timescale_url), in_lake(native.lake))
    (version,) = [one for one in look_over(native.server, native) if one.what == "version"]
    assert f"{len(DAY_TABLES)} natively partitioned tables; `fleet warehouse hypertables` moves them" in version.says

    moved = {one.table: one.rows for one in move_to_hypertables(native.server)}
    assert set(moved) == DAY_TABLES
    assert moved["telemetry"] == in_lake(native.lake).height
    assert equal(in_database(timescale_url), in_lake(native.lake))
    assert chunks(timescale_url) == [(OLD, True), (LATER, True)]
    with psycopg.connect(timescale_url) as connection:
        assert connection.execute("select n from public.mine").fetchone() == (moved["telemetry"],)
    assert list(move_to_hypertables(native.server)) == []
    newer = LATER + timedelta(days=1)
    native.lake.write(TELEMETRY, newer, spoken(newer), "test")
    list(native.load())
    assert equal(in_database(timescale_url), in_lake(native.lake))
    assert [one.says for one in look_over(native.server, native) if not one.holds] == []


def test_a_copy_that_does_not_equal_its_table_is_not_put_in_its_place(
    native: Loader, timescale_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet_assets.adapters.postgres import hypertables

    monkeypatch.setattr(hypertables, "as_hypertable", lambda table, place: [*_losing(table, place)])
    with pytest.raises(ServiceError, match="the copy of telemetry does not equal it; nothing was exchanged"):
        list(move_to_hypertables(native.server))
    assert equal(in_database(timescale_url), in_lake(native.lake))


def _losing(table: object, place: str) -> list[psycopg.sql.Composed]:
    """A rule that loses every row of the copy of telemetry."""
    if getattr(table, "name", "") != "telemetry":
        return []
    return [psycopg.sql.SQL(f"create rule lose as on insert to {place} do instead nothing").format()]


def test_who_may_not_hand_hypertables_over_is_told_what_an_administrator_runs(timescale_url: str) -> None:
    with psycopg.connect(timescale_url, autocommit=True) as administrator:
        administrator.execute(
            "create extension timescaledb; create role early login; grant create on database fleet to early"
        )
        early = Server(timescale_url.replace("postgres@", "early@"))
        refused = prepare(early)
        # The login made all of it for itself; now an administrator makes the roles.
        administrator.execute("".join(text for text in refused))
        try:
            left = prepare(early)
        except AdministratorNeeded as error:
            left = error.statements
        owned = [text for text in left if "owner to" in text]
        assert len(owned) >= len(DAY_TABLES)
        administrator.execute("".join(owned))
        assert [text for text in prepare(early) if "owner to" in text] == []
        asked = "select distinct owner from timescaledb_information.hypertables"
        assert administrator.execute(asked).fetchall() == [("fleet_owner",)]
