"""A real commute in five MF4 files: in any order, one by one or at once, one trip with the loggers' own distance."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.commands.build import build_now
from fleet_assets.commands.import_logs import Answers, run_import
from fleet_assets.contracts import TELEMETRY, TRIPS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.fixtures.drives import at
from fleet_assets_tests.fixtures.read_project import give_read_project

TO_TRIPS = "group:reference,raw_can,telemetry,trips"


@pytest.fixture(scope="module")
def logs(real_data: Path) -> list[Path]:
    return sorted((real_data / "css_mf4" / "day164").glob("*.MF4"))


def import_logs(installation: Installation, logs: list[Path], real_data: Path) -> None:
    dbc = real_data / "css_mf4" / "dbc" / "canmod-gps.dbc"
    run_import(installation, logs, "can", Answers("car-164"), [str(dbc)])


def all_trips(lake: Lake) -> pl.DataFrame:
    return lake.scan(TRIPS).sort("started_at").collect()


@pytest.fixture(scope="module")
def at_once(logs: list[Path], real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake after all five files were imported together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_HOME", str(tmp_path_factory.mktemp("day164")))
        installation = Installation.from_environment()
        give_read_project(installation.settings.root)
        import_logs(installation, logs, real_data)
        assert build_now(installation, BuildRequest()).failed_checks == []
    return installation.lake


def test_it_is_one_trip_with_the_loggers_distance(at_once: Lake) -> None:
    (trip,) = all_trips(at_once).rows(named=True)
    assert trip["distance_km"] == pytest.approx(40.58, rel=0.005)
    assert abs(trip["started_at"] - at("2021-07-26 04:43:04")) <= timedelta(seconds=30)
    assert abs(trip["ended_at"] - at("2021-07-26 05:20:40")) <= timedelta(seconds=30)


def test_positions_without_a_fix_are_null(at_once: Lake) -> None:
    telemetry = at_once.scan(TELEMETRY).sort("recorded_at").collect()
    first_fix = telemetry.filter(pl.col("latitude_deg").is_not_null())["recorded_at"].min()
    assert first_fix > telemetry["recorded_at"].min()  # type: ignore[operator]
    assert telemetry["altitude_m"].min() > -100  # type: ignore[operator]
    assert telemetry["latitude_deg"].is_null().equals(telemetry["longitude_deg"].is_null())


@pytest.mark.parametrize(
    ("order", "builds_between"), [((4, 3, 2, 1, 0), True), ((2, 4, 0, 3, 1), False)], ids=["backwards", "shuffled"]
)
def test_any_order_of_arrival_gives_the_same_tables(
    order: tuple[int, ...],
    builds_between: bool,
    at_once: Lake,
    logs: list[Path],
    real_data: Path,
    installation: Installation,
) -> None:
    for number in order:
        import_logs(installation, [logs[number]], real_data)
        if builds_between:
            build_now(installation, BuildRequest(select=TO_TRIPS))
    import_logs(installation, logs[:2], real_data)
    build_now(installation, BuildRequest(select=TO_TRIPS))
    assert all_trips(installation.lake).equals(all_trips(at_once))
    ours = installation.lake.scan(TELEMETRY).drop("received_at").collect()
    assert ours.equals(at_once.scan(TELEMETRY).drop("received_at").collect())
