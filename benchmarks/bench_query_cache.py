"""Queries through the cache against the queries themselves on both warehouses, and what a version costs a load.

Usage: python benchmarks/bench_query_cache.py [--days 90] [--rows 100000] [--rounds 5] [--loads 150]

A lake with so many days of telemetry, a mart over it, and questions a dashboard asks, from a small mart to raw rows; on
both warehouses. Query, hit in Redis (by a cache that keeps nothing itself) and hit in the process alternate in one
process; medians count. Each hit contains the look at what the query would read now: on DuckDB at the published file and
the newest generation of its tables, on PostgreSQL one round trip. Then a small partition is loaded into PostgreSQL, in
turn with the statement that makes a new version and without it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from unittest.mock import patch

import duckdb
import numpy as np
import polars as pl
import psycopg
import redis
from polars.testing import assert_frame_equal
from warehouses import private_server

from fleet_assets.adapters.any_warehouse import Warehouse
from fleet_assets.adapters.duckdb_origin import SETTLE_NS
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.adapters.query_cache import QueryCache, SharedResults
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.contracts import STANDING_PERIODS, TELEMETRY

FIRST = date(2026, 1, 1)
QUESTIONS = {
    "mart, one vehicle": "select * from daily where vehicle_id = 'van-007' order by local_date",
    "mart, fleet by day": "select local_date, sum(moving_s) as moving_s from daily group by 1 order by 1",
    "raw rows, speeds by vehicle": """
        select vehicle_id, count(*) as observations, avg(speed_kmh) as speed_kmh, max(speed_kmh) as top_kmh
        from telemetry group by 1 order by 1""",
    "raw rows, hours of a week": """
        select vehicle_id, date_trunc('hour', recorded_at) as hour, avg(speed_kmh) as speed_kmh
        from telemetry where recorded_at < timestamptz '2026-01-08' group by 1, 2 order by 1, 2""",
}
MART = """
create table {daily} as
select vehicle_id, recorded_at::date as local_date, count(*) filter (where speed_kmh > 0) as moving_s
from {telemetry} group by 1, 2 order by 1, 2
"""


def write_day(lake: Lake, day: date, rows: int) -> None:
    """Rows of twenty vehicles, spread over the day."""
    random = np.random.default_rng(day.toordinal())
    per_vehicle = rows // 20
    step = timedelta(days=1) / per_vehicle
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    instants = pl.datetime_range(midnight, midnight + step * (per_vehicle - 1), step, time_unit="us", eager=True)
    vehicles = pl.DataFrame({"vehicle_id": [f"van-{number:03}" for number in range(20)]})
    frame = vehicles.join(pl.DataFrame({"recorded_at": instants}), how="cross").with_columns(
        source=pl.lit("can"), speed_kmh=pl.Series(np.round(random.gamma(4, 12, per_vehicle * 20), 1).clip(0, 240))
    )
    lake.write(TELEMETRY, day, TELEMETRY.conform(frame.lazy()).collect(), "bench")


def on_duckdb(folder: Path, lake: Lake) -> DuckdbWarehouse:
    warehouse = DuckdbWarehouse(folder / "warehouse" / "fleet.duckdb", str(lake.root))
    with warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(MART.format(daily="daily", telemetry="telemetry"))
        warehouse.publish()
    time.sleep(SETTLE_NS / 1e9 + 0.1)
    return warehouse


def on_postgres(server: Server, lake: Lake) -> PostgresWarehouse:
    list(Loader(server, lake).load(["telemetry"]))
    with server.owning() as connection:
        connection.execute(MART.format(daily="fleet.daily", telemetry="fleet.telemetry").encode())
        connection.execute("grant select on fleet.daily to fleet_reader")
        meta_tables.note_inputs(connection, {"daily": "bench"})
        meta_tables.new_version(connection)
    with server.connect(autocommit=True) as connection:
        connection.execute("vacuum analyze")
    return PostgresWarehouse(server)


def took_ms(cache: QueryCache | Warehouse, sql: str) -> float:
    began = time.perf_counter()
    cache.query(sql)
    return (time.perf_counter() - began) * 1e3


def measure(warehouse: Warehouse, client: redis.Redis, rounds: int) -> None:
    kept, other = (QueryCache(warehouse, SharedResults(lambda: client), room) for room in (1 << 28, 0))
    for name, sql in QUESTIONS.items():
        # Engines add in the order their threads come: averages differ in the last digits.
        assert_frame_equal(kept.query(sql), warehouse.query(sql), check_exact=False)
        times: dict[str, list[float]] = {"query": [], "Redis": [], "process": []}
        for _ in range(rounds):
            times["query"].append(took_ms(warehouse, sql))
            times["Redis"] += [took_ms(other, sql) for _ in range(5)]
            times["process"] += [took_ms(kept, sql) for _ in range(20)]
        whole, shared, here = (median(times[step]) for step in times)
        print(f"{warehouse.kind:8} {name:28} query {whole:8.2f} ms, from Redis {shared:6.3f} ms ({whole / shared:5.0f} "
              f"times faster), in process {here:6.3f} ms ({whole / here:6.0f} times faster)",
              flush=True)  # fmt: skip
    counts = kept.statistics()
    print(f"{warehouse.kind:8} {counts.hits} hits, {counts.misses} misses, {counts.kept} results of "
          f"{counts.bytes / 1e6:.2f} MB; Redis: {kept.shared_totals()}")  # fmt: skip


def measure_loads(server: Server, lake: Lake, loads: int) -> None:
    """Print what a load of one small partition takes, with a new version in its transaction and without one."""
    loader = Loader(server, lake)
    times: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(2 * loads):
        way = ("with", "without")[number % 2]
        lake.write(STANDING_PERIODS, FIRST, stays(number + 1), str(number))
        with ExitStack() as stack:
            if way == "without":
                stack.enter_context(patch.object(meta_tables, "new_version"))
            began = time.perf_counter()
            list(loader.load(["standing_periods"]))
            times[way].append((time.perf_counter() - began) * 1e3)
    have, lack = median(times["with"]), median(times["without"])
    print(f"a small partition loads in {have:.2f} ms with a new version, {lack:.2f} ms without: {have - lack:+.2f} ms")


def stays(rows: int) -> pl.DataFrame:
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    said = pl.DataFrame({"started_at": [start + timedelta(seconds=row) for row in range(rows)]}).with_columns(
        vehicle_id=pl.lit("van-1"), ended_at=pl.col("started_at"), is_standing=pl.lit(value=True),
        engine_on_s=pl.lit(0.0), charger_s=pl.lit(0.0),
    )  # fmt: skip
    return STANDING_PERIODS.conform(said.lazy()).collect()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loads", type=int, default=150)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lake = Lake(str(folder / "lake"))
        for offset in range(options.days):
            write_day(lake, FIRST + timedelta(days=offset), options.rows)
        redis_server = PrivateServer(folder / "redis").start()
        stack.callback(redis_server.close)
        print(f"{options.days} days of {options.rows} rows, DuckDB {duckdb.__version__}, psycopg "
              f"{psycopg.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        server = Server(private_server(stack, ""))
        measure(on_duckdb(folder, lake), redis_server.client(), options.rounds)
        measure(on_postgres(server, lake), redis_server.client(), options.rounds)
        measure_loads(server, lake, options.loads)
        server.engine.dispose()


if __name__ == "__main__":
    main()
