"""An installation on PostgreSQL put back: the same rows and rights, and builds go on; what cannot be is said first."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from fleet_assets.adapters.backup import backups
from fleet_assets.adapters.postgres.discrepancies import look_over
from fleet_assets.commands.backup import create
from fleet_assets.commands.dagster_home import storage_server
from fleet_assets.commands.restore import restore
from fleet_assets.contracts import STANDING_PERIODS, TRIPS
from fleet_assets.contracts.errors import ServiceError, UsageError
from fleet_assets.installation import Installation
from fleet_assets.settings import load_settings
from fleet_assets_tests.adapters.query_cache.installation import periods
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere
from fleet_assets_tests.fixtures.postgres import StrictServer, contents

PASSWORD = "S3cr%t@p/w d"

pytestmark = pytest.mark.usefixtures("client_programs")


def on(url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """The installation of this test with its warehouse in a database."""
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", url)
    return Installation(load_settings())


def made_anew(url: str) -> None:
    """Drop the database and create it, as an administrator does."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url.replace(f"/{name}", "/postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(str(name))))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(str(name))))


@pytest.fixture
def loaded(installation: Installation, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A lake with a partition, loaded into a database of the tests' server; never built."""
    installation.lake.write(STANDING_PERIODS, at("2026-03-01 00:00").date(), periods(1, 3), "test")
    installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    there = on(postgres_url, monkeypatch)
    list(there.loader.load())
    return there


def test_a_restored_installation_has_the_same_rows_and_builds_new_ones(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, fleet: FleetCommand
) -> None:
    there = on(postgres_url, monkeypatch)
    there.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    # In processes of their own: what is loaded for one kind of warehouse serves no other.
    assert fleet("build").returncode == 0
    day = at("2026-03-02 00:00").date()
    there.check_results.note(TRIPS, day, "overlaps", ["One trip lies in another."], is_error=False)
    there.check_results.owe(TRIPS, day, ["again"])
    before, found, name = contents(postgres_url), list(there.check_results.of(TRIPS)), there.lake.identity()
    backup = create(there, tmp_path / "store")

    there.server.engine.dispose()
    made_anew(postgres_url)
    shutil.rmtree(there.settings.root)
    restore(there, backup)

    assert contents(postgres_url) == before
    assert before["fleet.vehicle_daily"][0] == 1
    assert (there.lake.identity(), list(there.check_results.of(TRIPS))) == (name, found)
    assert there.check_results.owed(TRIPS) == {day}
    assert [one.says for one in look_over(there.server, there.loader) if not one.holds] == []
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("select count(*) from trips").fetchone() == (1,)
    more = tmp_path / "more.csv"
    drive("van-1", at("2026-03-03 08:00")).select("vehicle_id", "recorded_at", "speed_kmh").write_csv(more)
    imported = fleet("import", more, "--source", "telemetry")
    assert imported.returncode == 0, imported.stderr
    built = fleet("build")
    assert built.returncode == 0, built.stderr
    assert "Built" in built.stdout
    assert there.warehouse.query("select count(*) as n from trips").item() == 2
    assert there.warehouse.query("select sum(trip_count) as n from vehicle_daily").item() == 2


def test_a_server_without_our_roles_is_prepared_by_the_restore_itself(
    loaded: Installation, tmp_path: Path, strict_server: StrictServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, backup = contents(loaded.settings.warehouse), create(loaded, tmp_path / "store")
    shutil.rmtree(loaded.settings.root)
    strict_server.administer("create database fleet")
    there = on(strict_server.url("fleet"), monkeypatch)
    restore(there, backup)
    assert contents(strict_server.url("fleet")) == before
    assert [one.says for one in look_over(there.server, there.loader) if not one.holds] == []
    with there.server.transaction() as connection:
        asked = "select distinct relowner::regrole::text from pg_class where relnamespace = 'fleet'::regnamespace"
        assert connection.execute(asked).fetchall() == [("fleet_owner",)]


def test_a_login_without_rights_is_told_what_an_administrator_runs_and_repeats_the_same_command(
    loaded: Installation,
    tmp_path: Path,
    strict_server: StrictServer,
    fleet_here: FleetHere,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, backup = contents(loaded.settings.warehouse), create(loaded, tmp_path / "store")
    home = loaded.settings.root
    shutil.rmtree(home)
    strict_server.login("ada", PASSWORD)
    strict_server.administer("create database fleet")
    url = strict_server.url("fleet", "ada", PASSWORD)
    refused = fleet_here("backup", "restore", backup, FLEET_WAREHOUSE_URL=url)
    assert (refused.code, home.exists(), contents(strict_server.url("fleet"))) == (1, False, {})
    told = refused.err.partition("an administrator must run there: ")[2].strip()
    assert told.startswith('create role "fleet_owner" nologin; create role')
    assert 'grant "fleet_owner" to "ada";' in told
    assert 'create schema "fleet" authorization "fleet_owner";' in told
    strict_server.administer(*told.split("\n"), database="fleet")

    again = fleet_here("backup", "restore", backup, FLEET_WAREHOUSE_URL=url)
    assert (again.code, contents(strict_server.url("fleet"))) == (0, before)
    there = on(url, monkeypatch)
    assert [one.says for one in look_over(there.server, there.loader) if not one.holds] == []
    printed = refused.out + refused.err + again.out + again.err
    assert not any(part in printed for part in ("S3cr", "p/w", "%2F", "Traceback"))


def test_a_password_with_spaces_and_signs_serves_and_is_never_shown(
    installation: Installation, tmp_path: Path, strict_server: StrictServer, fleet_here: FleetHere
) -> None:
    strict_server.login("ada", PASSWORD)
    for name in ("before", "after"):
        strict_server.administer(f"create database {name} owner ada")
    source, target = (strict_server.url(name, "ada", PASSWORD) for name in ("before", "after"))
    installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    store = tmp_path / "store"
    ended = [fleet_here("warehouse", "init", FLEET_WAREHOUSE_URL=source)]
    ended.append(fleet_here("backup", "create", store, FLEET_WAREHOUSE_URL=source))
    shutil.rmtree(installation.settings.root)
    ended.append(fleet_here("backup", "restore", *backups(store), FLEET_WAREHOUSE_URL=target.replace("S3cr", "other")))
    ended.append(fleet_here("backup", "restore", *backups(store), FLEET_WAREHOUSE_URL=target))
    # An owner of a database makes no roles: the warehouse is ready, and the rest of it left to an administrator.
    assert [one.code for one in ended] == [1, 0, 1, 0]
    assert "is ready: schema" in ended[0].err
    assert "password authentication failed" in ended[2].err
    assert len(ended[2].err.strip().splitlines()) == 1
    printed = "".join(one.out + one.err for one in ended)
    assert not any(part in printed for part in ("S3cr", "p/w", "other%", "Traceback"))


def test_a_restore_that_failed_at_the_second_database_goes_on_there(
    loaded: Installation, tmp_path: Path, postgres_urls: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, fresh, fresh_runs = (postgres_urls() for _ in range(3))
    with psycopg.connect(runs) as connection:
        connection.execute("create table runs as select 7 as id")
    loaded.settings.dagster_home.mkdir(parents=True)
    stated = "storage: {postgres: {postgres_url: {env: DAGSTER_PG_URL}}}\n"
    (loaded.settings.dagster_home / "dagster.yaml").write_text(stated)
    monkeypatch.setenv("DAGSTER_PG_URL", runs.replace("postgresql:", "postgresql+psycopg2:"))
    before, backup = contents(loaded.settings.warehouse), create(loaded, tmp_path / "store")
    shutil.rmtree(loaded.settings.root)

    monkeypatch.setenv("DAGSTER_PG_URL", fresh_runs.replace("postgresql:", "postgresql+psycopg2:"))
    with psycopg.connect(fresh_runs) as connection:
        connection.execute("create view runs as select 1 as id")
    there = on(fresh, monkeypatch)
    with pytest.raises(ServiceError, match="already exists"):
        restore(there, backup)
    assert not there.settings.landing.exists()
    with psycopg.connect(fresh_runs) as connection:
        connection.execute("drop view runs")
    restore(there, backup)
    assert contents(fresh) == before
    assert contents(fresh_runs)["public.runs"][0] == 1
    assert not (there.settings.root / ".restoring.json").exists()
    with pytest.raises(UsageError, match="is not empty: restore into an empty FLEET_HOME"):
        restore(there, backup)


def test_a_backup_of_before_the_lakes_name_was_kept_takes_it_from_the_database(
    loaded: Installation, tmp_path: Path, postgres_urls: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = loaded.lake.identity()
    (loaded.lake.root / "lake_id").unlink()
    backup = create(loaded, tmp_path / "store")
    shutil.rmtree(loaded.settings.root)
    there = on(postgres_urls(), monkeypatch)
    restore(there, backup)
    assert there.lake.identity() == name
    there.lake.write(STANDING_PERIODS, at("2026-03-02 00:00").date(), periods(2, 3), "test")
    assert sum(one.loaded for one in there.loader.load()) == 1


@pytest.mark.parametrize(
    ("database", "password", "reason"),
    [("runs", "wr0ng", "password authentication failed"), ("nowhere", PASSWORD, 'database "nowhere" does not exist')],
)
def test_a_storage_of_dagster_that_cannot_be_reached_is_one_sentence_at_once(
    fleet_here: FleetHere, strict_server: StrictServer, database: str, password: str, reason: str
) -> None:
    strict_server.login("ada", PASSWORD)
    strict_server.administer("create database runs owner ada")
    url = strict_server.url(database, "ada", password).replace("postgresql:", "postgresql+psycopg2:")
    for command in ("build", "ui"):
        ended = fleet_here(command, DAGSTER_PG_URL=url)
        assert ended.code == 1
        assert ended.err.startswith("fleet: DAGSTER_PG_URL (Dagster's storage): PostgreSQL at postgresql://ada@")
        assert reason in ended.err
        assert len(ended.err.strip().splitlines()) == 1
        assert not any(part in ended.err + ended.out for part in (password, "S3cr", "p/w"))


@pytest.mark.parametrize(
    ("stated", "address"),
    [
        ("postgres_url: {env: STORED}", "postgresql://ada@h/runs"),
        ("postgres_url: 'postgresql+psycopg2://bob:x@g:5433/runs'", "postgresql://bob@g:5433/runs"),
        (
            "postgres_db: {username: ada, password: {env: PW}, hostname: h, db_name: runs, params: {sslmode: allow}}",
            "postgresql://ada@h:5432/runs",
        ),
    ],
)
def test_every_way_to_state_dagsters_storage_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str, address: str
) -> None:
    monkeypatch.setenv("STORED", "postgresql+psycopg2://ada:x@h/runs")
    monkeypatch.setenv("PW", PASSWORD)
    file = tmp_path / "dagster.yaml"
    file.write_text(f"storage: {{postgres: {{{stated}}}}}\n")
    server = storage_server(file)
    assert server is not None
    assert server.address == address
    assert server.parts["password"] in {"x", PASSWORD}
    file.write_text("storage:\n  sqlite: {base_dir: here}\n")
    assert storage_server(file) is None


def test_one_database_for_warehouse_and_dagster_is_dumped_once(
    loaded: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.settings.dagster_home.mkdir(parents=True)
    stated = "storage: {postgres: {postgres_url: {env: DAGSTER_PG_URL}}}\n"
    (loaded.settings.dagster_home / "dagster.yaml").write_text(stated)
    monkeypatch.setenv("DAGSTER_PG_URL", loaded.settings.warehouse.replace("postgresql:", "postgresql+psycopg2:"))
    backup = create(loaded, tmp_path / "store")
    assert sorted(path.name for path in backup.glob("*.pgdump")) == ["warehouse.pgdump"]
