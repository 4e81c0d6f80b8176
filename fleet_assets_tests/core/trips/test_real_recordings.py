"""Trips of real recordings: NREL's fleet data with their reference trips, and an electric car with impossible fixes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleet_assets.core.cleaning import clean_telemetry
from fleet_assets_tests.core.histories import trips_of
from fleet_assets_tests.fixtures.known_fleets import nrel_reference, nrel_samples

CLOSE = timedelta(seconds=10)


@pytest.fixture(scope="module")
def fleet_data(real_data: Path) -> pl.DataFrame:
    return nrel_samples(real_data)


@pytest.fixture(scope="module")
def reference(real_data: Path) -> pl.DataFrame:
    return nrel_reference(real_data)


def _matched(reference: pl.DataFrame, trips: pl.DataFrame) -> pl.DataFrame:
    """Reference trips with the trip whose ends are both close."""
    pairs = reference.join(trips, on="vehicle_id", suffix="_found")
    return pairs.filter(
        (pl.col("start_ts") - pl.col("started_at")).abs() <= CLOSE,
        (pl.col("end_ts") - pl.col("ended_at")).abs() <= CLOSE,
    )


def test_reference_trips_are_found_with_our_own_rules(fleet_data: pl.DataFrame, reference: pl.DataFrame) -> None:
    proper = reference.filter(pl.col("distance_km") >= 0.2)
    trips = trips_of(clean_telemetry(fleet_data.lazy()).frame.collect())
    matched = _matched(proper, trips)
    assert matched.height >= 0.93 * proper.height
    assert trips.height <= 1.03 * proper.height
    wrong = (matched["distance_km_found"] / matched["distance_km"] - 1).abs()
    assert np.median(wrong.to_numpy()) <= 0.001
    assert np.quantile(wrong.to_numpy(), 0.95) <= 0.03
    assert trips["distance_km"].sum() == pytest.approx(reference["distance_km"].sum(), rel=0.003)


@pytest.mark.parametrize("without", [(), ("speed_kmh",), ("speed_kmh", "gps_speed_kmh")])
def test_no_trip_gains_distance_from_impossible_fixes(real_data: Path, without: tuple[str, ...]) -> None:
    samples = pl.read_parquet(real_data / "twizy" / "samples.parquet")
    told = samples.select(
        pl.col("trip_id").alias("vehicle_id"), pl.col("ts_local").dt.replace_time_zone("UTC").alias("recorded_at"),
        pl.lit("twizy").alias("source"), pl.col("lat").alias("latitude_deg"), pl.col("lon").alias("longitude_deg"),
        "speed_kmh", "gps_speed_kmh",
    ).drop(without)  # fmt: skip
    impossible = pl.col("longitude_deg").abs() > 180
    assert told.filter(impossible).height == 3
    possible = told.filter(~impossible)
    trips = trips_of(clean_telemetry(told.lazy()).frame.collect())
    spared = trips_of(clean_telemetry(possible.lazy()).frame.collect())
    km = trips.join(spared, on="vehicle_id", suffix="_spared")
    assert km.height == 10
    assert ((km["distance_km"] - km["distance_km_spared"]).abs() < 0.02).all()
    by_speed = samples.group_by("trip_id").agg(km=pl.col("speed_kmh").sum() / 3600)
    told_km = trips.join(by_speed, left_on="vehicle_id", right_on="trip_id")
    assert ((told_km["distance_km"] / told_km["km"] - 1).abs() < (0.01 if not without else 0.10)).all()
