"""All tables of fuel, charging and use against trips, on the same telemetry, each in a process of its own.

Usage: python benchmarks/bench_event_tables.py [--vehicles 10 100 300] [--rounds 3]

A fleet of lorries, plug-in hybrids and battery cars in turn speaks once a second for two days, charging at night. Each
table of the second day is made as a build makes it, from the lake; small tables with a look-back find a month of such
days. Processor seconds are the least of the rounds, with compiled kernels loaded before; memory is the peak of the
process. A month of 30 days is 30 such days: 100 vehicles are 260 million rows. Last, `fleet whatif fuel` over a year of
such days against making their events from telemetry: plateaus, balance and events of 365 days.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from fleet_assets.contracts import (
    CHARGING_PERIODS,
    FUEL_BALANCE,
    FUEL_EVENTS,
    FUEL_PLATEAUS,
    TELEMETRY,
    VEHICLES,
    Table,
)
from fleet_assets.installation import Installation
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.settings import load_settings

DAY = date(2026, 3, 10)
SECONDS = 86_400
LOOK_BACK_DAYS = 31
TRIP_TABLE = "trips"
NEW = (
    "fuel_plateaus", "fuel_balance", "fuel_events", "charging_periods", "power_sessions", "charging_sessions",
    "charging_hours", "last_readings", "rises_over_midnight", "hourly_use", "engine_starts", "soc_transitions",
)  # fmt: skip
"""In the order in which they are made."""
A_MONTH_OF: tuple[Table, ...] = (FUEL_PLATEAUS, FUEL_BALANCE, CHARGING_PERIODS)
"""Small tables that others read a month of: the rows of the day, put on each day before."""
TARGET = 1.5
OF_TANKS: tuple[Table, ...] = (FUEL_PLATEAUS, FUEL_BALANCE, FUEL_EVENTS)
YEAR_DAYS = 365
WHAT_IF_TARGET = 100
KINDS = ("ice", "phev", "bev")


def _vehicle_day(number: int, day: date) -> pl.DataFrame:
    """86 400 rows of one vehicle: two drives, and a night on the charger for those with a plug."""
    random = np.random.default_rng([number, day.toordinal()])
    second = np.arange(SECONDS)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    hour = second / 3600
    kind = KINDS[number % 3]
    moves = ((hour > 6 + number % 5 / 5) & (hour < 9)) | ((hour > 15) & (hour < 17.5))
    speed = np.where(moves, np.maximum(60 + 40 * np.sin(second / 97 + number), 0), 0.0).round(1)
    km = np.cumsum(speed) / 3600
    columns: dict[str, object] = {
        "vehicle_id": pl.repeat(f"vehicle-{number:04}", SECONDS, eager=True),
        "recorded_at": pl.Series(second * 1_000_000).cast(pl.Duration("us")) + midnight,
        "source": pl.repeat("can", SECONDS, eager=True), "speed_kmh": speed, "odometer_km": (10_000 + km).round(2),
        "latitude_deg": (40 + km / 400).round(6), "longitude_deg": (-3 - km / 300).round(6),
        "is_ignition_on": moves,
    }  # fmt: skip
    if kind != "bev":
        burns = np.where(moves, 12 + speed / 5, 0.0)
        level = 85 - 0.02 * np.cumsum(burns) / 3600 + np.where(moves, random.normal(0, 2, SECONDS), 0)
        columns |= {
            "engine_speed_rpm": np.where(moves, 800 + 12 * speed, 0.0).round(0), "fuel_rate_lph": burns.round(2),
            "fuel_used_total_l": np.floor((5_000 + np.cumsum(burns) / 3600) * 2) / 2,
            "fuel_level_pct": level.round(1),
        }  # fmt: skip
    if kind != "ice":
        plugged = (hour > 20) | (hour < 2)
        power = np.where(moves, speed / 4, np.where(plugged, -10.0, 0.0))
        columns |= {
            "soc_pct": np.clip(80 - np.cumsum(power) / 3600 * 1.2, 1, 99).round(1), "hv_power_kw": power.round(2),
            "is_charger_connected": plugged, "charger_power_kw": np.where(plugged, 11.0, 0.0),
            "charger_voltage_v": np.where(plugged, 230.0, 0.0),
        }  # fmt: skip
    rows = pl.DataFrame(columns).with_columns(pl.col("recorded_at").cast(TELEMETRY.schema["recorded_at"]))
    return TELEMETRY.conform(rows.lazy()).collect()


def prepare(home: Path, vehicles: int) -> None:
    """Two days of telemetry in a lake, the tables before the ones that are measured, and a month of the small ones."""
    here = _installation(home)
    names = [f"vehicle-{number:04}" for number in range(vehicles)]
    known = {"vehicle_id": names, "powertrain": [KINDS[k % 3] for k in range(vehicles)],
             "tank_capacity_l": [400.0] * vehicles, "battery_capacity_kwh": [70.0] * vehicles}  # fmt: skip
    here.lake.write(VEHICLES, None, VEHICLES.conform(pl.LazyFrame(known)).collect(), "bench")
    for day in (DAY - timedelta(days=1), DAY):
        here.lake.write(TELEMETRY, day, pl.concat(_vehicle_day(k, day) for k in range(vehicles)), "bench")
    before_trips = ("last_readings", "readings_before_silence", "fuel_plateaus", "fuel_balance")
    for name in (*before_trips, TRIP_TABLE, *NEW):
        maker = DAY_TABLES[name]
        rows = maker.table.conform(maker.made(here, DAY).frame).collect()
        here.lake.write(maker.table, DAY, rows, "bench")
        if maker.table in A_MONTH_OF:
            _days_before(here, maker.table, rows)


def _days_before(here: Installation, table: Table, rows: pl.DataFrame, days: int = LOOK_BACK_DAYS) -> None:
    instants = pl.selectors.by_dtype(pl.Datetime("us", "UTC"))
    for back in range(1, days + 1):
        earlier = rows.with_columns(instants - timedelta(days=back))
        here.lake.write(table, DAY - timedelta(days=back), earlier, "bench")


def _installation(home: Path) -> Installation:
    return Installation(load_settings(home=home))


def measured(home: Path, warm: Path, name: str, rounds: int) -> dict[str, float]:
    """Processor seconds of making the table's day, and the peak of this process in MB."""
    maker = DAY_TABLES[name]
    maker.table.conform(maker.made(_installation(warm), DAY).frame).collect()
    times = []
    for _ in range(rounds):
        began = time.process_time()
        maker.table.conform(maker.made(_installation(home), DAY).frame).collect()
        times.append(time.process_time() - began)
    return {"s": min(times), "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _in_a_process(home: Path, warm: Path, name: str, rounds: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", name, "--home", str(home), "--warm", str(warm)]
    done = subprocess.run([*command, "--rounds", str(rounds)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(vehicles: int, rounds: int, warm: Path, folder: Path) -> None:
    """Print what every table costs for one size of fleet."""
    home = folder / f"fleet-{vehicles}"
    subprocess.run([sys.executable, __file__, "--prepare", str(vehicles), "--home", str(home)], check=True)
    rows = _installation(home).lake.scan(TELEMETRY, [DAY]).select(pl.len()).collect().item()
    print(f"\n{vehicles} vehicles, {rows:,} rows a day, polars {pl.__version__}, numpy {np.__version__}")
    trips = _in_a_process(home, warm, TRIP_TABLE, rounds)
    print(f"{'trips':>20} {trips['s']:7.2f} s {trips['mb']:7.0f} MB")
    found = {name: _in_a_process(home, warm, name, rounds) for name in NEW}
    for name, one in found.items():
        print(f"{name:>20} {one['s']:7.2f} s {one['mb']:7.0f} MB  {one['s'] / trips['s']:5.2f} x trips")
    ratio = sum(one["s"] for one in found.values()) / trips["s"]
    peak = max(one["mb"] for one in [trips, *found.values()])
    held = "holds" if ratio <= TARGET and peak < 4_096 else "DOES NOT HOLD"
    print(f"{'all new tables':>20} {ratio:.2f} x trips (at most {TARGET}), peak {peak:,.0f} MB (under 4 096): {held}")
    _what_if(home, YEAR_DAYS * sum(found[table.name]["s"] for table in OF_TANKS))


def _what_if(home: Path, rebuilding_s: float) -> None:
    """Print what a question about a year of events costs, and how many times that making them anew would."""
    here = _installation(home)
    for table in (FUEL_BALANCE, FUEL_EVENTS):
        _days_before(here, table, here.lake.scan(table, [DAY]).collect(), YEAR_DAYS - 1 + LOOK_BACK_DAYS)
    first = DAY - timedelta(days=YEAR_DAYS - 1)
    asked = ["whatif", "fuel", "--min-theft-volume", "10", "--from", str(first), "--to", str(DAY)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    fleet = str(Path(sys.executable).parent / "fleet")
    subprocess.run([fleet, *asked], check=True, capture_output=True, env={**os.environ, "FLEET_HOME": str(home)})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ratio = rebuilding_s / used
    held = "holds" if ratio >= WHAT_IF_TARGET else "DOES NOT HOLD"
    print(f"{'what-if of a year':>20} {used:7.1f} s, rebuilding {rebuilding_s:,.0f} s: {ratio:.0f} x (at least "
          f"{WHAT_IF_TARGET}): {held}")  # fmt: skip


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, nargs="+", default=[10, 100, 300])
    parser.add_argument("--rounds", type=int, default=3)
    for hidden in ("--prepare", "--measure", "--home", "--warm"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prepare:
        prepare(Path(options.home), int(options.prepare))
    elif options.measure:
        print(json.dumps(measured(Path(options.home), Path(options.warm), options.measure, options.rounds)))
    else:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            subprocess.run([sys.executable, __file__, "--prepare", "3", "--home", str(folder / "warm")], check=True)
            for vehicles in options.vehicles:
                compare(vehicles, options.rounds, folder / "warm", folder)


if __name__ == "__main__":
    main()
