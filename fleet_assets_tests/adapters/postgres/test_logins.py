"""What logins with few rights find: the way to a warehouse through an administrator, and no traceback on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.discrepancies import look_over
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.migrate import migrate
from fleet_assets.adapters.postgres.owners import AdministratorNeeded, objects_of_others
from fleet_assets.adapters.postgres.ready import ensure_ready, prepare
from fleet_assets.adapters.postgres.roles import apply_privileges
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.contracts.errors import ServiceError
from fleet_assets.installation import Installation
from fleet_assets_tests.fixtures.fleet_here import FleetHere

Login = Callable[[str], Server]

COMPLETE = """\
create role "fleet_owner" nologin;
create role "fleet_writer" nologin;
create role "fleet_reader" nologin;
grant "fleet_owner" to "fleet";
grant "fleet_reader" to "fleet_owner";
grant create on database "own" to "fleet_owner";
create schema "fleet" authorization "fleet_owner";
create schema "fleet_parts" authorization "fleet_owner";
create schema "fleet_meta" authorization "fleet_owner";
create schema "staging" authorization "fleet_owner";
create schema "intermediate" authorization "fleet_owner";
create schema "fleet_build" authorization "fleet_owner";
create schema "fleet_build_staging" authorization "fleet_owner";
create schema "fleet_build_intermediate" authorization "fleet_owner";
alter database "own" set search_path = "fleet", "public";
"""


def address(administrator: psycopg.Connection, user: str) -> str:
    return f"postgresql://{user}:secret@/own?host={administrator.info.host}&port={administrator.info.port}"


@pytest.fixture
def login(administrator: psycopg.Connection) -> Iterator[Login]:
    """Makes a login as `create role` says, and its view of the database."""
    servers = []

    def make(text: str) -> Server:
        administrator.execute(f"create role {text}".encode())
        servers.append(Server(address(administrator, text.split()[0])))
        return servers[-1]

    yield make
    for server in servers:
        server.engine.dispose()


def owners(administrator: psycopg.Connection) -> set[str]:
    asked = (
        "select distinct pg_get_userbyid(relowner)::text from pg_class "
        "where relnamespace::regnamespace::text in ('fleet', 'fleet_meta') and relkind in ('r', 'p')"
    )
    return {row[0] for row in administrator.execute(asked).fetchall()}


def run_all(administrator: psycopg.Connection, statements: str | list[str]) -> None:
    """In one go, as psql would from a file or a pipe."""
    administrator.execute((statements if isinstance(statements, str) else " ".join(statements)).encode())


def test_an_ordinary_login_needs_its_administrator_once(
    administrator: psycopg.Connection, login: Login, fleet_here: FleetHere
) -> None:
    login("fleet login")
    here = {"FLEET_WAREHOUSE_URL": address(administrator, "fleet")}
    first = fleet_here("warehouse", "init", **here)
    assert (first.code, first.out) == (1, COMPLETE)
    assert "fleet may not build in the schemas fleet, fleet_parts" in first.err
    assert first.err.rstrip().endswith("an administrator must run what is on standard output, in this database")
    run_all(administrator, first.out)
    second = fleet_here("warehouse", "init", **here)
    assert (second.code, second.err) == (0, "")
    assert "is ready" in second.out
    assert owners(administrator) == {"fleet_owner"}
    third = fleet_here("warehouse", "check", **here)
    assert (third.code, third.err) == (0, "")
    assert "builds act as fleet_owner" in third.out


def test_builds_before_the_administrator_was_there_say_who_has_to_come(
    login: Login, administrator: psycopg.Connection
) -> None:
    fleet = login("fleet login")
    with pytest.raises(AdministratorNeeded, match="`fleet warehouse init` prints what an administrator must run"):
        ensure_ready(fleet, "lake")
    run_all(administrator, COMPLETE.replace('grant "fleet_owner" to "fleet";', ""))
    with pytest.raises(AdministratorNeeded, match="may not look into the schema fleet_meta; `fleet warehouse init`"):
        ensure_ready(fleet, "lake")
    with pytest.raises(AdministratorNeeded) as refused:
        prepare(fleet)
    assert refused.value.statements == ['grant "fleet_owner" to "fleet";']


@pytest.mark.parametrize("rights", ["create on the database", "schemas of its own", "an owner that may make none"])
def test_whatever_an_administrator_has_done_before_the_rest_is_told_at_once(
    rights: str, administrator: psycopg.Connection, login: Login
) -> None:
    fleet = login("fleet login")
    if rights == "create on the database":
        administrator.execute("grant create on database own to fleet")
    else:
        gone = 'grant "fleet_owner" to' if rights == "schemas of its own" else "nothing"
        done = [line for line in COMPLETE.splitlines() if gone not in line and "grant create" not in line]
        run_all(administrator, [line.replace('authorization "fleet_owner"', 'authorization "fleet"') for line in done])
    try:
        refused = prepare(fleet)
    except AdministratorNeeded as error:
        refused = error.statements
    assert 'grant create on database "own" to "fleet_owner";' in refused
    run_all(administrator, refused)
    assert prepare(fleet) == []
    assert owners(administrator) == {"fleet_owner"}


def test_a_login_that_may_make_roles_in_its_own_database_needs_nobody(
    administrator: psycopg.Connection, login: Login
) -> None:
    managed = login("r2 login createrole")
    administrator.execute("alter database own owner to r2")
    assert prepare(managed) == []
    assert owners(administrator) == {"fleet_owner"}
    with managed.owning() as connection:
        assert connection.execute("select current_user").fetchone() == ("fleet_owner",)


def test_the_search_path_is_asked_for_once_and_from_who_may(
    administrator: psycopg.Connection, login: Login, installation: Installation
) -> None:
    fleet = login("fleet login")
    with pytest.raises(AdministratorNeeded) as refused:
        prepare(fleet)
    *others, path = refused.value.statements
    run_all(administrator, others)
    assert prepare(fleet) == [path]
    loader = Loader(fleet, Lake(str(installation.settings.root / "lake")))
    told = {one.what: one for one in look_over(fleet, loader)}["search path"]
    assert (told.holds, path in told.says) == (False, True)
    run_all(administrator, path)
    assert prepare(fleet) == []
    administrator.execute("alter database own set search_path = fleetly, public")
    assert prepare(fleet) == [path]


def test_a_table_of_somebody_beside_the_marts_is_let_be(
    administrator: psycopg.Connection, login: Login, fleet_here: FleetHere
) -> None:
    fleet = login("fleet login")
    run_all(administrator, COMPLETE)
    prepare(fleet)
    administrator.execute("create table fleet.notes (says text)")
    ensure_ready(fleet, "lake")
    with PostgresWarehouse(fleet).building():
        pass
    assert prepare(fleet) == []
    assert prepare(Server(address(administrator, "postgres"))) == []
    checked = fleet_here("warehouse", "check", FLEET_WAREHOUSE_URL=address(administrator, "fleet"))
    assert (checked.code, checked.err) == (0, "")
    owner = administrator.execute("select tableowner from pg_tables where tablename = 'notes'").fetchone()
    assert owner == ("postgres",)


@pytest.mark.parametrize(("where", "note"), [("fleet", True), ("fleet_build", False)])
def test_a_table_of_somebody_in_the_place_of_a_mart_is_named_with_its_remedies(
    where: str, note: bool, administrator: psycopg.Connection, login: Login
) -> None:
    fleet = login("fleet login")
    run_all(administrator, COMPLETE)
    prepare(fleet)
    administrator.execute(f"create table {where}.notes (says text)".encode())
    if note:
        PostgresWarehouse(fleet).note_inputs({"notes": "made from"})
    sentence = (
        f"{where}.notes is a table of postgres, which fleet_owner cannot do anything with: postgres or an "
        f'administrator moves it (alter table "{where}"."notes" set schema "public";) or hands it over '
        f'(alter table "{where}"."notes" owner to "fleet_owner";); `fleet warehouse init` prints what'
    )
    attempts: list[Callable[[], object]] = [
        lambda: ensure_ready(fleet, "lake"), lambda: PostgresWarehouse(fleet).building().__enter__()
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(AdministratorNeeded) as refused:
            attempt()
        assert sentence in str(refused.value)
    administrator.execute(f'alter table "{where}"."notes" set schema "public"'.encode())
    ensure_ready(fleet, "lake")
    with PostgresWarehouse(fleet).building():
        pass


def test_restored_tables_are_handed_over_by_the_printed_statements(
    administrator: psycopg.Connection, login: Login
) -> None:
    fleet = login("fleet login")
    run_all(administrator, COMPLETE)
    prepare(fleet)
    run_all(administrator, "create role other; alter table fleet.trips owner to other; "
                           "alter schema staging owner to other; create table public.kept (a int); "
                           "alter table public.kept owner to other")  # fmt: skip
    with pytest.raises(AdministratorNeeded) as refused:
        prepare(fleet)
    assert "fleet_owner may not build in the schemas staging" in str(refused.value)
    assert refused.value.statements == [
        'alter schema "staging" owner to "fleet_owner";', 'alter table "fleet"."trips" owner to "fleet_owner";',
    ]  # fmt: skip
    run_all(administrator, refused.value.statements[:1])
    with pytest.raises(AdministratorNeeded, match=r"fleet.trips is a table of other.* administrator hands it over \("):
        ensure_ready(fleet, "lake")
    run_all(administrator, refused.value.statements[1:])
    assert prepare(fleet) == []
    with fleet.transaction() as connection:
        assert objects_of_others(connection, "fleet_owner") == []
    owner = administrator.execute("select tableowner from pg_tables where tablename = 'kept'").fetchone()
    assert owner == ("other",)


def test_a_migration_without_a_warehouse_points_to_init(login: Login) -> None:
    with pytest.raises(ServiceError, match="has no schema fleet yet: run `fleet warehouse init` first"):
        migrate(login("fleet login"))


def test_grants_say_what_is_missing(administrator: psycopg.Connection, login: Login, fleet_here: FleetHere) -> None:
    login("fleet login")
    here = {"FLEET_WAREHOUSE_URL": address(administrator, "fleet")}
    early = fleet_here("warehouse", "grant", "nosuch", **here)
    assert (early.code, "no role fleet_reader yet: run `fleet warehouse init`" in early.err) == (2, True)
    run_all(administrator, COMPLETE)
    nobody = fleet_here("warehouse", "grant", "nosuch", **here)
    assert nobody.code == 2
    assert "create role \"nosuch\" login password '…';" in nobody.err
    administrator.execute("create role grafana login")
    refused = fleet_here("warehouse", "grant", "grafana", **here)
    assert (refused.code, refused.out) == (1, 'grant "fleet_reader" to "grafana";\n')
    assert "nothing was granted; an administrator must run what is on standard output" in refused.err


def test_writers_change_rows_of_the_lake_and_read_marts(administrator: psycopg.Connection, login: Login) -> None:
    fleet = login("fleet login")
    run_all(administrator, COMPLETE)
    prepare(fleet)
    with fleet.owning() as connection:
        connection.execute("create table fleet_build.mart (a int); alter table fleet_build.mart set schema fleet")
        connection.execute("grant insert, update on fleet.mart to fleet_writer")
    assert apply_privileges(fleet) == []
    administrator.execute("set role fleet_writer")
    administrator.execute("update fleet.trips set idle_s = 0; delete from fleet.vehicles")
    assert administrator.execute("select * from fleet.mart").fetchall() == []
    for text in (b"insert into fleet.mart values (1)", b"update fleet.mart set a = 1", b"delete from fleet.mart"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            administrator.execute(text)
    administrator.execute("reset role")


def test_a_look_before_init_and_without_a_way_in_says_where_to_begin(
    administrator: psycopg.Connection, login: Login, fleet_here: FleetHere
) -> None:
    login("fleet login")
    here = {"FLEET_WAREHOUSE_URL": address(administrator, "fleet")}
    early = fleet_here("warehouse", "check", **here)
    assert (early.code, early.err.count("run `fleet warehouse init`"), "and 1 more" in early.err) == (1, 1, False)
    run_all(administrator, COMPLETE.replace('grant "fleet_owner" to "fleet";', ""))
    for command in ("check", "migrate"):
        shut = fleet_here("warehouse", command, **here)
        assert (shut.code, "`fleet warehouse init` prints what an administrator must run" in shut.err) == (1, True)
        assert "Traceback" not in shut.err
