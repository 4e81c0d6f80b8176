"""Publishing marts takes nothing from the people who work with them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator

import psycopg
import pytest

from fleet_assets.adapters.postgres import meta_tables, publication
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.dependents import FACT
from fleet_assets.adapters.postgres.ready import prepare
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.contracts.errors import ServiceError

ANA = f"ana_{os.getpid()}"
"""Roles are the whole server's, and others test there at the same time."""

KM = "create table fleet_build.km_daily as select 'van-1' as vehicle_id, {km}::float8 as km from generate_series(1, 30)"


@pytest.fixture
def warehouse(postgres_url: str) -> PostgresWarehouse:
    server = Server(postgres_url)
    prepare(server)
    return PostgresWarehouse(server)


@pytest.fixture
def admin(postgres_url: str) -> Iterator[psycopg.Connection]:
    """The administrator's own session; the role of an analyst is there meanwhile."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create role {ANA}".encode())
        connection.execute("create schema bi")
        yield connection
        connection.execute(f"drop owned by {ANA} cascade".encode())
        connection.execute(f"drop role {ANA}".encode())


def build(warehouse: PostgresWarehouse, text: str) -> list[str]:
    """Publish km_daily made anew; returns what was told meanwhile."""
    told: list[str] = []
    with warehouse.building(anew={"km_daily"}):
        warehouse.note_inputs({"km_daily": ""})
        with warehouse.server.owning() as connection:
            connection.execute(text.encode())
        warehouse.publish(told.append)
        warehouse.note_inputs({"km_daily": "what it was made from"})
    return told


def only(connection: psycopg.Connection, asked: str) -> object:
    (row,) = connection.execute(asked.encode()).fetchall()
    return row[0]


def test_views_upon_marts_and_privileges_for_single_roles_outlive_a_publication(
    warehouse: PostgresWarehouse, admin: psycopg.Connection
) -> None:
    build(warehouse, KM.format(km=1))
    admin.execute(f"grant select on fleet.km_daily to {ANA} with grant option".encode())
    admin.execute("create view bi.km as select vehicle_id, sum(km) as km from fleet.km_daily group by 1")
    admin.execute("create view bi.most as select max(km) as km from bi.km")
    admin.execute(f"alter view bi.km owner to {ANA}".encode())
    admin.execute("grant select on bi.km to public")
    assert build(warehouse, KM.format(km=2)) == []
    assert only(admin, "select km from bi.most") == 60
    assert only(admin, "select viewowner from pg_views where viewname = 'km'") == ANA
    acl = only(admin, "select relacl::text from pg_class where oid = 'bi.km'::regclass")
    assert str(acl).endswith(f",=r/{ANA}}}")
    assert only(admin, f"select has_table_privilege('{ANA}', 'fleet.km_daily', 'select with grant option')") is True
    assert only(admin, "select has_table_privilege('fleet_reader', 'fleet.km_daily', 'select')") is True


def test_a_view_that_cannot_be_put_back_is_named_and_its_text_kept(
    warehouse: PostgresWarehouse, admin: psycopg.Connection
) -> None:
    build(warehouse, KM.format(km=1))
    admin.execute("create view bi.km as select km from fleet.km_daily")
    told = build(warehouse, KM.format(km=1).replace(" as km ", " as distance_km "))
    assert len(told) == 1
    assert told[0].startswith("the view bi.km of postgres went with the marts it was made upon (column")
    with warehouse.server.owning() as connection:
        kept = json.loads(meta_tables.fact(connection, FACT) or "")
    assert "fleet.km_daily" in kept["bi.km"]["text"]
    assert only(admin, "select count(distance_km) from fleet.km_daily") == 30


def test_what_people_made_beside_the_marts_is_theirs(warehouse: PostgresWarehouse, admin: psycopg.Connection) -> None:
    admin.execute("create table fleet.notes as select 1 as n")
    assert not warehouse.is_published
    build(warehouse, KM.format(km=1))
    admin.execute("create view fleet.mine as select n from fleet.notes")
    build(warehouse, KM.format(km=2))
    assert only(admin, "select n from fleet.mine") == 1
    assert only(admin, "select sum(km) from fleet.km_daily") == 60


def test_who_holds_the_marts_is_named_while_publication_waits(
    warehouse: PostgresWarehouse, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "FIRST_WORD_S", 0)
    build(warehouse, KM.format(km=1))
    told: list[str] = []
    with psycopg.connect(postgres_url) as reader:
        reader.execute("select * from fleet.km_daily")
        done = threading.Thread(target=lambda: told.extend(build(warehouse, KM.format(km=2))))
        done.start()
        done.join(timeout=3)
        assert done.is_alive()
        pid = reader.info.backend_pid
        reader.commit()
        done.join(timeout=60)
    assert told[0].startswith(f"publication waits for the transaction of session {pid} (user postgres")


def test_a_reader_who_never_ends_is_named_when_publication_gives_up(
    warehouse: PostgresWarehouse, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(warehouse, KM.format(km=1))
    monkeypatch.setattr(publication, "LOCK_PATIENCE_S", 1)
    with psycopg.connect(postgres_url) as reader:
        reader.execute("select * from fleet.km_daily")
        with pytest.raises(ServiceError, match=rf"session {reader.info.backend_pid} \(user postgres.*end it"):
            build(warehouse, KM.format(km=2))
        assert only(reader, "select sum(km) from fleet.km_daily") == 30


def test_marts_stay_published_while_the_next_ones_are_on_their_way(warehouse: PostgresWarehouse) -> None:
    at_first = warehouse.published_at
    warehouse.note_inputs({"km_daily": ""})
    assert (at_first, warehouse.published_at) == (None, None)
    build(warehouse, KM.format(km=1))
    before = warehouse.published_at
    warehouse.note_inputs({"km_daily": ""})
    assert before is not None
    assert warehouse.published_at == before


def test_the_planner_knows_a_mart_as_soon_as_it_is_published(
    warehouse: PostgresWarehouse, admin: psycopg.Connection
) -> None:
    build(warehouse, KM.format(km=1))
    assert only(admin, "select reltuples from pg_class where oid = 'fleet.km_daily'::regclass") == 30
