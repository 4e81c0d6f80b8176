"""A real minute of a Toyota: wheel speeds as the recording's makers decoded them; the device's echo is not the bus."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.commands.build import build_now
from fleet_assets.commands.import_logs import Answers, run_import
from fleet_assets.contracts import CAN_SIGNALS, RAW_CAN, TELEMETRY
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.fixtures.drives import at

WHEELS = ("WHEEL_SPEED_FL", "WHEEL_SPEED_FR", "WHEEL_SPEED_RL", "WHEEL_SPEED_RR")
START = at("2018-07-30 00:00")
"""The recording counts seconds since the device booted; any day will do."""


@pytest.fixture(scope="module")
def built(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation after importing the minute and building telemetry and signals at full rate."""
    folder = tmp_path_factory.mktemp("comma2k19")
    log = folder / "minute.parquet"
    frame_log(real_data).write_parquet(log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_HOME", str(folder / "home"))
        installation = Installation.from_environment()
        dbc = files("opendbc") / "dbc" / "generator" / "toyota" / "_toyota_2017.dbc"
        run_import(installation, [log], "can", Answers("rav4"), [f"0={dbc}"])
        build_now(installation, BuildRequest(select="+can_signals,telemetry"))
    return installation


def frame_log(real_data: Path) -> pl.DataFrame:
    rows = pl.read_parquet(real_data / "comma2k19" / "raw_can.parquet")
    data = pl.col("data_hex").str.decode("hex")
    return rows.select(
        recorded_at=pl.lit(START) + pl.duration(nanoseconds=(pl.col("t_s") * 1e9).cast(pl.Int64)),
        vehicle_id=pl.lit("rav4"),
        bus=pl.col("bus").cast(pl.String),
        arbitration_id=pl.col("can_id").cast(pl.UInt32),
        is_extended=pl.lit(value=False),
        dlc=data.bin.size().cast(pl.UInt8),
        data=data,
    )


def test_wheel_speeds_are_the_references_to_a_nanometre_per_second(built: Installation, real_data: Path) -> None:
    truth = pl.read_parquet(real_data / "comma2k19" / "truth_wheel_speed.parquet")
    signals = built.lake.scan(CAN_SIGNALS).filter(pl.col("signal").is_in(WHEELS)).collect()
    ours = signals.pivot("signal", index=["recorded_at", "entry_id"], values="value").sort("recorded_at", "entry_id")
    assert ours.height == truth.height
    difference = pl.DataFrame(
        {wheel: (ours[wheel] / 3.6 - truth[f"wheel_speed_{number}"]).abs() for number, wheel in enumerate(WHEELS)}
    )
    assert max(difference.max().row(0)) <= 1e-9


def test_only_the_bound_bus_is_decoded_and_the_echo_is_kept_raw(built: Installation) -> None:
    assert built.lake.scan(CAN_SIGNALS).select("bus").unique().collect()["bus"].to_list() == ["0"]
    raw = built.lake.scan(RAW_CAN).group_by("bus").len().sort("bus").collect().rows()
    assert raw == [("0", 53800), ("1", 45000), ("128", 12434), ("129", 24234)]
    notes = built.lake.record(TELEMETRY, START.date())
    assert notes is not None
