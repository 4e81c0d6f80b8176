"""Telemetry to trips, against trackintel's staypoints, MovingPandas' gap split, and the same rule in DuckDB SQL.

Usage: python benchmarks/bench_trips.py [--points 25000000] [--rounds 3]

A generated fleet speaks once a second for two days (its own speed, and positions), the day that is built and its
look-back, and stands still where it says nothing. Ours reads the Parquet files and gives whole rows of `trips`; SQL
gives the ends, reason and distance of the same trips, which are compared; trackintel and MovingPandas get a slice in
memory, in the form they ask for, prepared outside the measured time. All alternate in one process; memory is that of a
process that runs ours alone.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import polars as pl

from fleet_assets.contracts import DRIVER_ASSIGNMENTS, VEHICLES
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.core.window import Window

DAY = timedelta(days=1)
BUILT = datetime(2024, 5, 14, tzinfo=UTC)
WINDOW = Window(BUILT - DAY, BUILT, BUILT + DAY)
SECONDS = 2 * 86_400
AFTER_HOLE_S = 5
SLICES = {"trackintel": 400_000, "movingpandas": 200_000}
TARGETS = {"trackintel": 100, "movingpandas": 100, "duckdb": 3}

SAME_RULE = """
with said as (
    select vehicle_id, epoch_us(recorded_at) as us, speed_kmh, speed_kmh > 1.6 as moves from read_parquet($files)
), near as (
    select *,
        max(case when moves then us end) over (
            partition by vehicle_id order by us rows between unbounded preceding and 1 preceding
        ) as moved_at,
        coalesce(lead(us) over w, 9223372036854775807) - us as silence,
        coalesce(least(us - lag(us) over w, 60000000) * (speed_kmh + lag(speed_kmh) over w) / 7.2e9, 0) as km
    from said window w as (partition by vehicle_id order by us)
), numbered as (
    select *,
        sum((moves and (moved_at is null or us - moved_at >= 300000000))::int) over w as trip,
        sum(km) over w as total,
        us - case when moves then us else moved_at end as stood
    from near window w as (partition by vehicle_id order by us rows unbounded preceding)
)
select vehicle_id, min(us) filter (moves) as started_at, max(us) filter (moves) as ended_at,
    max(us + case when silence < 300000000 then silence else least(silence, 600000000) end)
        filter (stood < 300000000 and stood + silence >= 300000000) as closed_at,
    case when arg_max(silence, us) filter (moves) >= 300000000 then 'gap' else 'stop' end as end_reason,
    arg_max(total, us) filter (moves) - arg_min(total, us) filter (moves) as distance_km
from numbered where trip > 0 group by vehicle_id, trip
having distance_km >= 0.1 and closed_at >= $day_start and closed_at < $day_end
order by vehicle_id, started_at
"""


def write_fleet(folder: Path, points: int) -> int:
    """Telemetry of a fleet, one file per day as the lake keeps them; how many points it has."""
    vehicles = points // SECONDS
    frames = [_vehicle_days(k) for k in range(vehicles)]
    fleet = pl.concat(frames)
    for day in (BUILT - DAY, BUILT):
        part = fleet.filter(pl.col("recorded_at").dt.date() == day.date())
        part.write_parquet(
            folder / f"{day.date()}.parquet", compression="zstd", compression_level=1, row_group_size=131_072
        )
    return fleet.height


def _vehicle_days(number: int) -> pl.DataFrame:
    """Drives of 5 to 60 minutes with halts of 10 to 4000 s, and a hole of up to 20 minutes here and there, in which
    (and some seconds longer) it stands: driving in a hole is bridged, or a row of its own."""
    random = np.random.default_rng(number)
    lengths = np.stack(
        (random.integers(300, 3600, 200), random.choice([15, 60, 200, 290, 310, 900, 4000], 200)), axis=1
    )
    drives = np.repeat(np.tile([1.0, 0.0], 200), lengths.ravel())[:SECONDS]
    seen, stands = np.ones(SECONDS, dtype=bool), np.zeros(SECONDS, dtype=bool)
    for begin, length in zip(random.integers(0, SECONDS, 6), random.integers(20, 1200, 6), strict=True):
        seen[begin : begin + length] = False
        stands[begin : begin + length + AFTER_HOLE_S] = True
    speed = np.round(
        drives * ~stands * np.clip(50 + 25 * np.sin(np.arange(SECONDS) / 90) + random.normal(0, 3, SECONDS), 2, 110), 1
    )
    step_deg = speed / 3600 / 111.2
    heading = number + np.cumsum(speed) / 20_000
    seconds = pl.Series(np.arange(SECONDS) * 1_000_000)
    frame = pl.DataFrame({
        "vehicle_id": pl.repeat(f"vehicle-{number:05}", SECONDS, eager=True),
        "recorded_at": (seconds + int(WINDOW.start.timestamp()) * 1_000_000).cast(pl.Datetime("us", "UTC")),
        "source": pl.repeat("can", SECONDS, eager=True),
        "speed_kmh": speed,
        "latitude_deg": 48 + np.cumsum(step_deg * np.cos(heading)),
        "longitude_deg": 9 + np.cumsum(step_deg * np.sin(heading)) / np.cos(np.radians(48)),
    })  # fmt: skip
    return frame.filter(pl.Series(seen))


def ours(files: list[Path]) -> pl.DataFrame:
    telemetry = pl.scan_parquet(files)
    nobody = VEHICLES.empty().lazy(), DRIVER_ASSIGNMENTS.empty().lazy()
    return segment_trips(telemetry, *nobody, WINDOW, TripRules()).collect()


def in_sql(files: list[Path]) -> pl.DataFrame:
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as connection:
        bounds = {"day_start": int(BUILT.timestamp()) * 10**6, "day_end": int((BUILT + DAY).timestamp()) * 10**6}
        return pl.DataFrame(
            connection.sql(SAME_RULE, params={"files": [str(file) for file in files], **bounds}).to_arrow_table()
        )


def slice_of(files: list[Path], rows: int) -> Any:
    """The first rows as a pandas frame with plain column names."""
    frame = pl.scan_parquet(files[:1]).head(rows).collect()
    return frame.select(
        user_id="vehicle_id", tracked_at="recorded_at", longitude="longitude_deg", latitude="latitude_deg"
    ).to_pandas(date_as_object=False)


def trackintel_run(rows: Any) -> Callable[[], object]:
    import geopandas
    import trackintel

    points = geopandas.GeoDataFrame(
        rows[["user_id", "tracked_at"]],
        geometry=geopandas.points_from_xy(rows["longitude"], rows["latitude"]),
        crs=4326,
    )
    fixes = trackintel.Positionfixes(points)
    return lambda: fixes.generate_staypoints(dist_threshold=100, time_threshold=5, gap_threshold=15)


def movingpandas_run(rows: Any) -> Callable[[], object]:
    import movingpandas

    naive = rows.assign(tracked_at=rows["tracked_at"].dt.tz_localize(None))
    tracks = movingpandas.TrajectoryCollection(
        naive, traj_id_col="user_id", t="tracked_at", x="longitude", y="latitude", crs=4326
    )
    return lambda: movingpandas.ObservationGapSplitter(tracks).split(gap=timedelta(seconds=300))


def compare(mine: pl.DataFrame, theirs: pl.DataFrame) -> None:
    """Stop unless both found the same trips."""
    instants = ["started_at", "ended_at", "closed_at"]
    exact = ["vehicle_id", *instants, "end_reason"]
    same = mine.with_columns(pl.col(instants).dt.timestamp("us")).select(exact).equals(theirs.select(exact))
    apart = float(np.abs(mine["distance_km"].to_numpy() - theirs["distance_km"].to_numpy()).max()) if same else np.inf
    if not same or apart > 1e-6:
        raise SystemExit(f"ours ({mine.height} trips) and SQL ({theirs.height} trips) differ, distances by {apart} km")
    print(f"{mine.height} trips, the same in SQL; largest difference of a distance {apart:.1e} km")


def peak_memory_mb(files: list[Path]) -> float:
    """Peak of a process that runs ours alone."""
    command = [sys.executable, __file__, "--alone", *map(str, files)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def most_held_mb() -> float:
    """Most memory this process ever held (Linux); `ru_maxrss` would count what its parent held when it was started."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measure(files: list[Path], points: int, rounds: int) -> None:
    compare(ours(files), in_sql(files))
    sizes = {name: min(rows, points) for name, rows in SLICES.items()}
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "ours": (points, lambda: ours(files)),
        "duckdb": (points, lambda: in_sql(files)),
        "trackintel": (sizes["trackintel"], trackintel_run(slice_of(files, sizes["trackintel"]))),
        "movingpandas": (sizes["movingpandas"], movingpandas_run(slice_of(files, sizes["movingpandas"]))),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (size, run) in runs.items():
            began = time.perf_counter()
            run()
            rates[name].append(size / (time.perf_counter() - began))
    mine = median(rates["ours"])
    print(f"ours          {mine / 1e6:9.3f} million points/s on {os.cpu_count()} cores ({points} points; target 6)")
    for name, target in TARGETS.items():
        version = importlib.metadata.version(name)
        rate = median(rates[name])
        print(f"{name:13} {rate / 1e6:9.3f} million points/s ({runs[name][0]} points; {version}): "
              f"ours is {mine / rate:.1f} times as fast (target {target})")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=25_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", nargs="+", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.alone:
        ours(options.alone)
        print(most_held_mb())
        return
    with tempfile.TemporaryDirectory() as folder:
        for share in (4, 1):
            points = write_fleet(Path(folder), options.points // share)
            files = sorted(Path(folder).glob("*.parquet"))
            print(f"peak memory of ours alone with {points} points: {peak_memory_mb(files):.0f} MB")
        stored_mb = sum(file.stat().st_size for file in files) / 1e6
        print(f"{points} points, {stored_mb:.0f} MB of Parquet, polars {pl.__version__}")
        measure(files, points, options.rounds)


if __name__ == "__main__":
    main()
