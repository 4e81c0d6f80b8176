"""Dashboard queries from marts, from raw telemetry and from the cache, and the latest state of a vehicle.

Usage: python benchmarks/bench_marts.py [--rows 1000000 10000000] [--rounds 3] [--seconds 30] [--folder F]

Each size is a month of a fleet: in the lake, loaded into PostgreSQL by the loader, marts built on both by the models.
Both warehouses and both ways alternate in one process with a connection open on each; medians count, and both ways must
give the same answer. Lookups arrive at 1 000 a second whether the one before is answered or not: waiting counts.
--folder keeps what was made, for another run; without it everything is deleted. 50 million rows take 25 GB meanwhile.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import polars as pl
import psycopg
from dashboard_questions import QUESTIONS
from month_of_a_fleet import NOW, Month, vehicle
from warehouses import DUCKDB, PRODUCTION, Ask, Warehouses, private_server

from fleet_assets.adapters.query_cache import QueryCache

TARGET = 200
CACHE_TARGET = 100
LOOKUPS_PER_S = 1_000
LOOKUP_TARGET_MS = 2
MART_ASKS = 20
"""The marts answer in milliseconds: so many asks a round beside one of the raw rows."""
REPEATED_S = 0.25
PAUSE_S = 0.1

NEWEST = {
    "vehicle_last_known (mart)": "select * from fleet.vehicle_last_known where vehicle_id = {given}",
    "fleet_today (view)": "select * from fleet.fleet_today where vehicle_id = {given}",
    "telemetry (raw, newest row)": "select recorded_at, latitude_deg, longitude_deg, speed_kmh, odometer_km "
    "from fleet.telemetry where vehicle_id = {given} order by recorded_at desc limit 1",
}  # fmt: skip


def took_ms(ask: Callable[[str], object], sql: str) -> float:
    return answered(ask, sql)[0]


def repeated_ms(ask: Callable[[str], object], sql: str) -> float:
    """Mean of asking over and over for REPEATED_S."""
    began, count = time.perf_counter(), 0
    while time.perf_counter() < began + REPEATED_S:
        ask(sql)
        count += 1
    return (time.perf_counter() - began) * 1e3 / count


def rested_ms(ask: Callable[[str], object], sql: str) -> float:
    """Median of asking after pauses."""
    times = []
    for _ in range(MART_ASKS):
        time.sleep(PAUSE_S)
        times.append(took_ms(ask, sql))
    return median(times)


def answered(ask: Callable[[str], Any], sql: str) -> tuple[float, Any]:
    """The ms that an answer took, and the answer."""
    began = time.perf_counter()
    rows = ask(sql)
    return (time.perf_counter() - began) * 1e3, rows


def check_equal(where: str, marts: list[tuple[Any, ...]], raw: list[tuple[Any, ...]]) -> None:
    """Fail unless marts and raw rows give as many rows with the same sums."""
    of_marts, of_raw = sums(marts), sums(raw)
    if len(marts) != len(raw) or not np.allclose(of_marts, of_raw, rtol=1e-3):
        raise SystemExit(f"{where}: marts say {len(marts)} rows, {of_marts}; raw rows say {len(raw)} rows, {of_raw}")


def sums(rows: list[tuple[Any, ...]]) -> list[float]:
    """Of every column of numbers."""
    columns = [column for column in zip(*rows, strict=True) if isinstance(column[0], int | float | Decimal)]
    return [sum(map(float, column)) for column in columns]


def compare(asks: dict[str, Ask], rounds: int) -> None:
    """Print for every question how long marts and raw rows take on each warehouse."""
    print(f"  {'':30}" + "".join(f"{name + ': marts':>18} {'raw':>10} {'ratio':>7}" for name in asks))
    for question in QUESTIONS:
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for name, ask in asks.items():
                marts = ask(question.marts)
                times.setdefault((name, "marts"), []).extend(took_ms(ask, question.marts) for _ in range(MART_ASKS))
                took, raw = answered(ask, question.raw.format(now=NOW))
                times.setdefault((name, "raw"), []).append(took)
                check_equal(f"{question.panel} on {name}", marts, raw)
        line = f"  {question.panel:30}"
        for name in asks:
            fast, slow = median(times[name, "marts"]), median(times[name, "raw"])
            line += f"{fast:15.2f} ms {slow:7.0f} ms {slow / fast:6.0f}x"
        print(line, flush=True)


def compare_cache(here: Warehouses, rounds: int) -> None:
    """Print how long the warehouses take for a question, and the cache in the process for the same question again: over
    and over, and after a pause, when both processes have to be woken. On PostgreSQL a hit asks the server once."""
    for warehouse in (here.postgres, here.duckdb):
        cache = QueryCache(warehouse)
        for question in QUESTIONS:
            for what, sql in (("marts", question.marts), ("raw", question.raw)):
                bare = sql.format(now=NOW).replace("fleet.", "")
                # The first ask computes; of raw rows that is seconds, and the look at their origin nothing beside it.
                first = took_ms(cache.query, bare)
                whole = first if what == "raw" else median(took_ms(warehouse.query, bare) for _ in range(rounds))
                hit, late = repeated_ms(cache.query, bare), rested_ms(cache.query, bare)
                print(f"  {warehouse.kind:9} {question.panel:30} {what:6} {whole:10.2f} ms, hit {hit:6.4f} ms: "
                      f"{whole / hit:8.0f}x (target {CACHE_TARGET}), rested {late:6.3f} ms", flush=True)  # fmt: skip
        counts = cache.statistics()
        print(f"  {warehouse.kind:9} {counts.hits} hits, {counts.misses} misses, {counts.passed} never kept")


def latencies_ms(ask: Ask, texts: list[str], seconds: float) -> np.ndarray:
    """Of lookups that arrive evenly: from arrival to answer. One that waits for its forerunners counts the wait."""
    count = int(seconds * LOOKUPS_PER_S)
    order = np.random.default_rng(1).integers(0, len(texts), count).tolist()
    done = np.empty(count)
    begin = time.perf_counter() + 0.01
    for number, which in enumerate(order):
        arrival = begin + number / LOOKUPS_PER_S
        early = arrival - time.perf_counter()
        if early > 0.0003:
            time.sleep(early - 0.0002)
        while time.perf_counter() < arrival:
            pass
        ask(texts[which])
        done[number] = time.perf_counter()
    return (done - begin - np.arange(count) / LOOKUPS_PER_S) * 1e3


def look_up(here: Warehouses, vehicles: int, seconds: float) -> None:
    """Print the distribution of lookups of single vehicles: prepared statements over one connection each."""
    names = [vehicle(number) for number in range(vehicles)]
    with ExitStack() as stack:
        postgres = stack.enter_context(here.server.connect(autocommit=True))
        duck = stack.enter_context(duckdb.connect(str(here.duckdb.published), read_only=True, config=DUCKDB))
        duck.execute("set timezone = 'UTC'")
        for what, sql in NEWEST.items():
            bound, marked = sql.format(given="%s").encode(), sql.format(given="?")

            def of_postgres(name: str, bound: bytes = bound) -> list[tuple[object, ...]]:
                return postgres.execute(bound, [name], prepare=True).fetchall()

            def of_duckdb(name: str, marked: str = marked) -> list[tuple[object, ...]]:
                return duck.execute(marked, [name]).fetchall()

            for engine, ask in (("PostgreSQL", of_postgres), ("DuckDB", of_duckdb)):
                alone = [took_ms(ask, name) for name in names[:5]]
                if median(alone) > 1e3 / LOOKUPS_PER_S:
                    print(f"  {what:28} {engine:10} {median(alone):6.2f} ms each: below {LOOKUPS_PER_S}/s")
                    continue
                found = latencies_ms(ask, names, seconds)
                p50, p99, p999 = np.percentile(found, [50, 99, 99.9])
                print(f"  {what:28} {engine:10} p50 {p50:.2f}, p99 {p99:.2f} (below {LOOKUP_TARGET_MS}), "
                      f"p99.9 {p999:.2f}, worst {found.max():.2f} ms of {len(found):,}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30, help="How long lookups go on; 0 for none.")
    parser.add_argument("--folder", default="", help="Where rows and databases are kept for another run.")
    parser.add_argument("--only-make", action="store_true", help="Make rows and marts, measure nothing.")
    given = parser.parse_args()
    with ExitStack() as stack:
        url = private_server(stack, given.folder)
        folder = Path(given.folder or stack.enter_context(TemporaryDirectory(prefix="fleet-rows-"))).absolute()
        with psycopg.connect(url) as connection:
            version = connection.info.parameter_status("server_version")
        print(
            f"PostgreSQL {version} ({', '.join(' '.join(pair) for pair in PRODUCTION.items())})\n"
            f"DuckDB {duckdb.__version__} ({DUCKDB['threads']} threads, {DUCKDB['memory_limit']}), psycopg "
            f"{psycopg.__version__}, polars {pl.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        for rows in given.rows:
            print(f"\n{rows:,} rows: {Month.of(rows).vehicles} vehicles, 30 days", flush=True)
            here = Warehouses.made(folder, url, rows)
            if given.only_make:
                continue
            print(f"  latest state of one vehicle, {LOOKUPS_PER_S} lookups/s for {given.seconds:.0f} s, one connection")
            if given.seconds:
                look_up(here, Month.of(rows).vehicles, given.seconds)
            print(f"  {here.count():,} rows of telemetry; medians of {given.rounds} rounds, target {TARGET}x")
            with ExitStack() as asking:
                asks = {"PostgreSQL": here.ask_postgres(asking), "DuckDB": here.ask_duckdb(asking)}
                compare(asks, given.rounds)
            compare_cache(here, given.rounds)
            here.server.engine.dispose()


if __name__ == "__main__":
    main()
