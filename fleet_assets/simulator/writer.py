"""The one writer of the simulator: frames, reference and truth of a fleet into a folder.

Belongs here: files and their layout. Does not belong here: what is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from fleet_assets.simulator.fleet import simulate_vehicle
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.reference import reference_tables
from fleet_assets.simulator.signal_maps import SIGNAL_MAPS
from fleet_assets.simulator.truth import Truth, truth_tables
from fleet_assets.simulator.vehicles import make_roster

Progress = Callable[[str, int, int], None]
"""Called with a vehicle's name, how many are written and how many there are."""

INSTANT = "%Y-%m-%dT%H:%M:%S%:z"
ROW_GROUP = 131_072


def write_fleet(plan: FleetPlan, out: Path, progress: Progress | None = None) -> None:
    """Simulate the fleet and write it below `out`; equal plans give equal bytes.

    frames/<vehicle_id>.parquet (frame logs), reference/<table>.csv, reference/signal_maps/<name>.yaml,
    truth/<table>.parquet.
    """
    roster = make_roster(plan.vehicles, plan.seed)
    for folder in ("frames", "reference/signal_maps", "truth"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name, table in reference_tables(roster, plan).items():
        table.write_csv(out / "reference" / f"{name}.csv", datetime_format=INSTANT)
    for name, text in SIGNAL_MAPS.items():
        (out / "reference" / "signal_maps" / f"{name}.yaml").write_text(text, encoding="utf-8")
    truths: list[Truth] = []
    for number, vehicle in enumerate(roster, start=1):
        drive = simulate_vehicle(vehicle, plan)
        _write_parquet(drive.frames, out / "frames" / f"{vehicle.vehicle_id}.parquet")
        truths.append(drive.truth)
        if progress:
            progress(vehicle.vehicle_id, number, len(roster))
    for name, table in truth_tables(truths).items():
        _write_parquet(table, out / "truth" / f"{name}.parquet")


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=3, row_group_size=ROW_GROUP, statistics=True)
