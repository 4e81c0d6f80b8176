"""Fuel tables against trips on the same telemetry; plateaus against the same rule in DuckDB SQL and against ruptures.

Usage: python benchmarks/bench_fuel.py [--vehicles 40] [--rounds 3]

A generated fleet speaks once a second for two days, the day that is built and the one before: drives with a sloshing
tank, and stays. Trips read both days; plateaus read one, and balance and events the small tables of 31 days. Processor
time of both is compared. SQL gives the plateaus of the same day, which have to be equal. A change-point
pass of ruptures (PELT) over readings of one vehicle is what a data scientist would reach for first.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import polars as pl

from fleet_assets.contracts import (
    DRIVER_ASSIGNMENTS,
    ENERGY_PRICES,
    INGEST_OUTAGES,
    TANK_CALIBRATIONS,
    TELEMETRY,
    VEHICLES,
    ZONES,
)
from fleet_assets.core.fuel import fuel_balance, fuel_events, fuel_plateaus
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.core.window import Window

DAY = timedelta(days=1)
BUILT = datetime(2024, 5, 14, tzinfo=UTC)
LOOK_BACK_DAYS = 31
SLICE = 6_000
"""Readings that ruptures gets: its time grows faster than they do."""
TARGETS = {"trips": 1.5, "duckdb": 3.0, "ruptures": 100.0}

SAME_RULE = """
with said as (
    select vehicle_id, epoch_us(recorded_at) as us, fuel_level_pct as level, speed_kmh > 1.6 as moves
    from read_parquet($file)
), settled as (
    select *, max(case when moves then us end) over (partition by vehicle_id order by us) as moved_at from said
), kept as (
    select *, lag(us) over w as before, lag(moves) over w as moved, lag(moved_at) over w as last_moved
    from settled where moves or moved_at is null or us - moved_at >= 60000000
    window w as (partition by vehicle_id order by us)
), numbered as (
    select *, sum((before is null or moves != moved or us - before > case when moves then 600000000 else 3900000000 end)
        ::int) over (partition by vehicle_id order by us rows unbounded preceding) as session
    from kept
), cut as (
    select *, (us - min(us) over (partition by vehicle_id, session))
        // (case when moves then 600000000 else 300000000 end) as part
    from numbered
), windows as (
    select vehicle_id, session, part, any_value(moves) as moves, min(us) as started, max(us) as ended,
        median(level) as level, mad(level) as mad, count(*) as samples
    from cut group by vehicle_id, session, part
), beside as (
    select *, lag(mad) over w as mad_before, lag(level) over w as level_before, lag(session) over w as session_before
    from windows window w as (partition by vehicle_id order by started)
), islands as (
    select *, sum((moves or mad > 0 or mad_before > 0 or level is distinct from level_before
        or session is distinct from session_before)::int)
        over (partition by vehicle_id order by started rows unbounded preceding) as island
    from beside
)
select vehicle_id, min(started) as started_at, max(ended) as ended_at, any_value(level) as level_pct,
    any_value(mad) as level_mad_pct, sum(samples)::bigint as sample_count
from islands group by vehicle_id, island order by vehicle_id, started_at
"""


def write_fleet(folder: Path, vehicles: int) -> list[Path]:
    """Telemetry of a fleet, one file per day as the lake keeps them."""
    files = []
    for day in (BUILT - DAY, BUILT):
        files.append(folder / f"{day:%Y-%m-%d}.parquet")
        frame = pl.concat([_vehicle_day(number, day) for number in range(vehicles)])
        frame.write_parquet(files[-1], row_group_size=131_072, statistics=True)
    return files


def _vehicle_day(number: int, day: datetime) -> pl.DataFrame:
    """A day with three drives; 1 Hz, also while it stands."""
    random = np.random.default_rng([number, day.toordinal()])
    second = np.arange(86_400)
    hour = (second / 3600 + number / 7) % 24
    moves = ((hour > 6) & (hour < 8.5)) | ((hour > 10) & (hour < 11)) | ((hour > 15) & (hour < 17.5))
    speed = np.where(moves, 60 + 25 * np.sin(second / 97 + number), 0.0).round(1)
    km = np.cumsum(speed) / 3600
    level = np.round((85 - 0.08 * km + np.where(moves, random.normal(0, 2, 86_400), 0)) / 0.4) * 0.4
    rows = pl.DataFrame({
        "vehicle_id": pl.repeat(f"lorry-{number:04}", 86_400, eager=True),
        "recorded_at": pl.Series(second * 1_000_000).cast(pl.Duration("us")) + day,
        "source": pl.repeat("can", 86_400, eager=True), "speed_kmh": speed, "odometer_km": (10_000 + km).round(2),
        "latitude_deg": (40 + km / 400).round(6), "longitude_deg": (-3 - km / 300).round(6),
        "is_ignition_on": pl.repeat(True, 86_400, eager=True),
        "engine_speed_rpm": (800 + 12 * speed).round(0), "fuel_level_pct": level,
    })  # fmt: skip
    return TELEMETRY.conform(
        rows.with_columns(pl.col("recorded_at").cast(TELEMETRY.schema["recorded_at"])).lazy()
    ).collect()


def _trips(files: list[Path]) -> pl.DataFrame:
    window = Window(BUILT - DAY, BUILT, BUILT + DAY)
    told, fleet = pl.scan_parquet(files), VEHICLES.empty().lazy()
    return segment_trips(told, fleet, DRIVER_ASSIGNMENTS.empty().lazy(), window, TripRules()).collect()


def _plateaus(files: list[Path]) -> pl.DataFrame:
    return fuel_plateaus(pl.scan_parquet(files[-1])).collect()


def _month(plateaus: pl.DataFrame) -> pl.DataFrame:
    """The plateaus of the day, as they would be on every day of a look-back."""
    at = pl.col("started_at", "ended_at")
    return pl.concat([plateaus.with_columns(at - DAY * back) for back in range(LOOK_BACK_DAYS, -1, -1)])


def _balance(plateaus: pl.DataFrame, window: Window) -> pl.DataFrame:
    fleet = VEHICLES.empty().lazy()
    return fuel_balance(plateaus.lazy(), fleet, TANK_CALIBRATIONS.empty().lazy(), window).collect()


def _events(balance: pl.DataFrame, window: Window) -> pl.DataFrame:
    outages, fleet, zones, prices = (t.empty().lazy() for t in (INGEST_OUTAGES, VEHICLES, ZONES, ENERGY_PRICES))
    return fuel_events(balance.lazy(), outages, fleet, zones, prices, window).collect()


def _sql(files: list[Path]) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        found = connection.sql(SAME_RULE, params={"file": str(files[-1])}).to_arrow_table()
    frame = pl.from_arrow(found)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _seconds(work: Callable[[], object], rounds: int) -> float:
    """Median processor time."""
    used = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        used.append(time.process_time() - began)
    return median(used)


def _ruptures_points_per_s(files: list[Path]) -> float | None:
    if importlib.util.find_spec("ruptures") is None:
        return None
    import ruptures

    one = pl.scan_parquet(files[-1]).filter(pl.col("vehicle_id") == "lorry-0000").collect()
    levels = one["fuel_level_pct"].slice(6 * 3600, SLICE).to_numpy()
    began = time.process_time()
    ruptures.Pelt(model="l2").fit(levels).predict(pen=50)
    return len(levels) / (time.process_time() - began)


def _check_equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> None:
    """Raise where SQL gives other plateaus."""
    columns = ("vehicle_id", "started_at", "ended_at", "level_pct", "level_mad_pct", "sample_count")
    mine = ours.select(columns).with_columns(pl.col("started_at", "ended_at").dt.epoch("us"))
    same = mine.height == theirs.height and all(
        np.allclose(mine[name].to_numpy(), theirs[name].to_numpy(), atol=1e-9) if name != "vehicle_id"
        else mine[name].to_list() == theirs[name].to_list() for name in columns
    )  # fmt: skip
    if not same:
        raise SystemExit(f"SQL gives other plateaus: {theirs.height:,} against {mine.height:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write_fleet(Path(folder), chosen.vehicles)
        points = chosen.vehicles * 86_400
        ours = _plateaus(files)
        _check_equal(ours, _sql(files))
        month = _month(ours)
        window = Window(BUILT - LOOK_BACK_DAYS * DAY, BUILT, BUILT + DAY)
        days = Window(window.start, window.start, window.day_end)
        balance = _balance(month, days)
        _events(balance, window)
        _trips(files)
        used = {
            "trips": _seconds(lambda: _trips(files), chosen.rounds),
            "fuel_plateaus": _seconds(lambda: _plateaus(files), chosen.rounds),
            "fuel_balance": _seconds(lambda: _balance(month, window), chosen.rounds),
            "fuel_events": _seconds(lambda: _events(balance, window), chosen.rounds),
            "plateaus in SQL": _seconds(lambda: _sql(files), chosen.rounds),
        }
        print(
            f"{chosen.vehicles} vehicles, a day of {points:,} points, {ours.height:,} plateaus, equal to those of SQL"
        )
        for name, seconds in used.items():
            print(f"  {name:16} {seconds:7.2f} s of processor")
        fuel = sum(seconds for name, seconds in used.items() if name.startswith("fuel"))
        share = fuel / used["trips"]
        print(f"  fuel tables over trips: {share:.2f} (at most {TARGETS['trips']:g}, with all other events)")
        faster = used["plateaus in SQL"] / used["fuel_plateaus"]
        print(f"  plateaus against SQL: {faster:.1f} x (at least {TARGETS['duckdb']:g})")
        theirs = _ruptures_points_per_s(files)
        if theirs is None:
            print("  ruptures is not installed")
        else:
            rate = points / used["fuel_plateaus"]
            print(f"  plateaus against ruptures: {rate / theirs:.0f} x (at least {TARGETS['ruptures']:g})")


if __name__ == "__main__":
    main()
