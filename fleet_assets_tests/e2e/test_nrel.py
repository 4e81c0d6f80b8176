"""Nine real cars, a telemetry file with naive local times: imported, built, and compared with the makers' own trips."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fleet_assets.commands.build import build_now
from fleet_assets.commands.import_logs import Answers, run_import
from fleet_assets.contracts import TRIPS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest

ZONE = "America/Chicago"
KM_PER_MILE = 1.609344


def test_imported_cars_drive_what_the_reference_says(
    real_data: Path, installation: Installation, tmp_path: Path
) -> None:
    folder = real_data / "nrel_cmap"
    samples = pl.read_parquet(folder / "samples.parquet").sort("vehicle_id", "ts_local")
    samples.select(
        "vehicle_id", recorded_at="ts_local", speed_kmh=pl.col("speed_mph") * KM_PER_MILE
    ).write_csv(tmp_path / "cars.csv")  # fmt: skip
    run_import(installation, [tmp_path / "cars.csv"], "telemetry", Answers(timezone=ZONE))
    report = build_now(installation, BuildRequest(select="group:reference,group:raw,telemetry,trips"))
    assert report.failed_checks == []

    reference = pl.read_csv(folder / "trips_reference.csv", try_parse_dates=True).filter(pl.col("distance_km") >= 0.2)
    true = reference.with_columns(
        pl.col("start_ts", "end_ts").cast(pl.Datetime("us")).dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")
    )
    found = installation.lake.scan(TRIPS).select("vehicle_id", "started_at", "ended_at", "distance_km").collect()
    pairs = true.join(found, on="vehicle_id", suffix="_found").filter(
        (pl.col("start_ts") - pl.col("started_at")).abs() <= pl.duration(seconds=10),
        (pl.col("end_ts") - pl.col("ended_at")).abs() <= pl.duration(seconds=10),
    )
    assert pairs.height >= 0.93 * true.height
    assert found.height <= 1.03 * true.height
    error = (pairs["distance_km_found"] / pairs["distance_km"] - 1).abs()
    assert error.median() <= 0.001  # type: ignore[operator]
    assert error.quantile(0.95) <= 0.03  # type: ignore[operator]
    assert found["distance_km"].sum() == pytest.approx(reference["distance_km"].sum(), rel=0.003)
