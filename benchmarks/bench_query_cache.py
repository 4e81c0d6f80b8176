"""Queries through the cache against the queries themselves: a hit in the process, and a hit in Redis.

Usage: python benchmarks/bench_query_cache.py [--days 90] [--rows 100000] [--rounds 5]

A lake with so many days of telemetry, a mart over it, and questions a dashboard asks, from a small mart to raw rows.
Query, hit in Redis (a cache that has just been made) and hit in the process alternate in one process; medians count.
Each hit contains the look-up of the versions of all partitions that the query reads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import polars as pl
import redis
from polars.testing import assert_frame_equal

from fleet_assets.adapters.data_versions import SETTLE_NS
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.query_cache import QueryCache, SharedResults
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.contracts import TELEMETRY

TARGET = 100
FIRST = date(2026, 1, 1)
QUESTIONS = {
    "mart, one vehicle": "select * from daily where vehicle_id = 'van-007' order by local_date",
    "mart, fleet by day": "select local_date, sum(moving_s) as moving_s from daily group by all order by all",
    "raw rows, speeds by vehicle": """
        select vehicle_id, count(*) as observations, avg(speed_kmh) as speed_kmh, max(speed_kmh) as top_kmh
        from telemetry group by all order by all""",
    "raw rows, hours of a week": """
        select vehicle_id, date_trunc('hour', recorded_at) as hour, quantile_cont(speed_kmh, 0.9) as brisk_kmh
        from telemetry where recorded_at < timestamptz '2026-01-08' group by all order by all""",
}
MART = """
create table daily as
select vehicle_id, recorded_at::date as local_date, count(*) filter (speed_kmh > 0) as moving_s
from telemetry group by all order by all
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


def make(folder: Path, days: int, rows: int) -> DuckdbWarehouse:
    lake = Lake(str(folder / "lake"))
    for offset in range(days):
        write_day(lake, FIRST + timedelta(days=offset), rows)
    warehouse = DuckdbWarehouse(folder / "warehouse" / "fleet.duckdb", str(lake.root))
    with warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(MART)
        warehouse.publish()
    time.sleep(SETTLE_NS / 1e9 + 0.1)
    return warehouse


def took_ms(cache: QueryCache | DuckdbWarehouse, sql: str) -> float:
    began = time.perf_counter()
    cache.query(sql)
    return (time.perf_counter() - began) * 1e3


def measure(warehouse: DuckdbWarehouse, client: redis.Redis, rounds: int) -> None:
    kept = QueryCache(warehouse, SharedResults(lambda: client))
    for name, sql in QUESTIONS.items():
        # DuckDB adds in the order its threads come: averages differ in the last digits.
        assert_frame_equal(kept.query(sql), warehouse.query(sql), check_exact=False)
        times: dict[str, list[float]] = {"query": [], "Redis": [], "process": []}
        for _ in range(rounds):
            times["query"].append(took_ms(warehouse, sql))
            times["Redis"].append(took_ms(QueryCache(warehouse, SharedResults(lambda: client)), sql))
            times["process"] += [took_ms(kept, sql) for _ in range(20)]
        whole, shared, here = (median(times[step]) for step in times)
        print(f"{name:28} query {whole:8.2f} ms, from Redis {shared:6.3f} ms ({whole / shared:5.0f} times faster), "
              f"in process {here:6.3f} ms ({whole / here:6.0f} times faster, target {TARGET})")  # fmt: skip
    counts = kept.statistics()
    print(f"{counts.hits} hits, {counts.misses} misses, {counts.kept} results of {counts.bytes / 1e6:.2f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        warehouse = make(Path(folder), options.days, options.rows)
        print(f"{options.days} days of {options.rows} rows, DuckDB {duckdb.__version__} on {os.cpu_count()} cores")
        server = PrivateServer(Path(folder) / "redis").start()
        try:
            measure(warehouse, server.client(), options.rounds)
        finally:
            server.close()


if __name__ == "__main__":
    main()
