"""Databases of a real server into a backup and back, with the client programs that stand beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from fleet_assets.adapters.backup import (
    BackupWriter,
    dump_postgres,
    new_backup,
    postgres_programs,
    require_empty,
    restore_postgres,
)
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.dagster_server import DagsterServer
from fleet_assets.contracts.errors import ServiceError, SettingError, UsageError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def backup(folder: Path) -> Iterator[BackupWriter]:
    with new_backup(folder / "store", folder, NOON) as writer:
        yield writer


@pytest.mark.usefixtures("client_programs")
def test_a_database_comes_back_in_an_empty_one_and_only_there(tmp_path: Path, postgres_urls: Callable[[], str]) -> None:
    source, target = postgres_urls(), postgres_urls()
    with psycopg.connect(source, autocommit=True) as database:
        database.execute("create schema reports")
        database.execute("create table reports.daily as select n, n * 1.5 as km from generate_series(1, 1000) as n")
    with backup(tmp_path) as writer:
        dump_postgres(writer, "warehouse.pgdump", Server(source))
    dump = writer.folder / "warehouse.pgdump"
    require_empty(Server(target))
    assert restore_postgres(dump, Server(target)) == []
    with pytest.raises(UsageError, match="holds 1 tables: restore into an empty database"):
        require_empty(Server(target))
    with psycopg.connect(target) as database:
        found = database.execute("select count(*), sum(km) from reports.daily").fetchone()
        assert found == (1000, pytest.approx(750_750))
    with pytest.raises(ServiceError, match=r"pg_restore on postgresql://.*already exists"):
        restore_postgres(dump, Server(target))
    with psycopg.connect(target) as database:
        assert database.execute("select count(*) from reports.daily").fetchone() == (1000,)


@pytest.mark.usefixtures("client_programs")
def test_privileges_of_roles_that_the_server_lacks_are_named_and_the_others_given(
    tmp_path: Path, postgres_urls: Callable[[], str]
) -> None:
    source, target = postgres_urls(), postgres_urls()
    with psycopg.connect(source, autocommit=True) as database:
        for role in ("stays", "goes"):
            database.execute(f"drop role if exists {role}".encode())
            database.execute(f"create role {role}".encode())
            database.execute(f"create table of_{role} (n int)".encode())
            database.execute(f"grant select on of_{role} to {role}".encode())
    with backup(tmp_path) as writer:
        dump_postgres(writer, "warehouse.pgdump", Server(source))
    with psycopg.connect(source, autocommit=True) as database:
        database.execute("drop owned by goes")
        database.execute("drop role goes")
    refused = restore_postgres(writer.folder / "warehouse.pgdump", Server(target))
    assert refused == ['role "goes" does not exist']
    with psycopg.connect(target, autocommit=True) as database:
        assert database.execute("select has_table_privilege('stays', 'of_stays', 'select')").fetchone() == (True,)
        database.execute("drop owned by stays")
    with psycopg.connect(source, autocommit=True) as database:
        database.execute("drop owned by stays")
        database.execute("drop role stays")


def test_without_the_client_programs_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_programs, "INSTALLED", tmp_path)
    with pytest.raises(ServiceError, match="pg_dump is not installed"), backup(tmp_path) as writer:
        dump_postgres(writer, "warehouse.pgdump", Server("postgresql://nobody@nowhere/fleet"))
    assert not (tmp_path / "store" / "20260301T120000Z").exists()


def test_programs_older_than_the_server_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    for name, version in (("path", 9), ("15/bin", 15), ("99/bin", 99)):
        (tmp_path / name).mkdir(parents=True)
        program = tmp_path / name / "pg_restore"
        program.write_text(f"#!/bin/sh\necho 'pg_restore (PostgreSQL) {version}.1'\n")
        program.chmod(0o755)
    monkeypatch.setattr(postgres_programs, "INSTALLED", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    found = postgres_programs.find("pg_restore", Server(postgres_url))
    assert found == str(tmp_path / "99" / "bin" / "pg_restore")
    shutil.rmtree(tmp_path / "99")
    with pytest.raises(ServiceError, match=r"pg_restore 15 is older than the server \(\d+\)"):
        require_empty(Server(postgres_url))


def test_no_secret_of_an_address_is_among_the_arguments_of_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$@"\necho "[$PGPASSWORD]" >&2\n')
    program.chmod(0o755)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    server = Server("postgresql://ada:S3cr%25t%40p%2Fw%20d@db.example/fleet?sslpassword=hush&sslmode=require")
    done = postgres_programs.attempt(str(program), server, "last")
    assert done.stdout.strip() == (
        "--no-password --dbname=connect_timeout=10 user=ada dbname=fleet host=db.example sslmode=require last"
    )
    assert done.stderr == "[S3cr%t@p/w d]\n"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (
            "postgresql+psycopg2://ada:S3cr%25t%40p%2Fw%20d@h:5433/dagster?sslmode=require",
            {"host": "h", "port": "5433", "user": "ada", "password": "S3cr%t@p/w d", "dbname": "dagster",
             "sslmode": "require"},
        ),
        (
            "postgresql+psycopg2://ada@/dagster?host=a&host=b&target_session_attrs=read-write",
            {"user": "ada", "dbname": "dagster", "host": "a,b", "target_session_attrs": "read-write"},
        ),
    ],
)  # fmt: skip
def test_the_address_of_dagsters_storage_is_read_as_dagster_reads_it(url: str, parts: dict[str, str]) -> None:
    assert DagsterServer(url).parts == parts


@pytest.mark.parametrize(
    "url", ["no address", "postgresql+psycopg2://h:port/db", "postgresql+psycopg2://h/db?nosuch=1"]
)
def test_what_is_no_address_of_dagsters_storage_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingError, match=r"^DAGSTER_PG_URL is not an address such as") as refused:
        DagsterServer(url).parts  # noqa: B018 - looking is what refuses
    assert url not in str(refused.value)
