"""Real recordings: a RAV4's wheel speeds, a commute with a GPS on the bus, multi-frame logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import opendbc
import polars as pl
import pytest

from fleet_assets.adapters.log_files import LogOptions, read_log
from fleet_assets.contracts import RAW_CAN
from fleet_assets.core.can import Bindings, bind, compile_database, decode, signals_long

TOYOTA = Path(opendbc.__file__).parent / "dbc" / "generator" / "toyota" / "_toyota_2017.dbc"
WHEELS = ["WHEEL_SPEED_FL", "WHEEL_SPEED_FR", "WHEEL_SPEED_RL", "WHEEL_SPEED_RR"]


def bound(path: Path, bus: str = "*") -> Bindings:
    database = compile_database(path.read_text(encoding="cp1252"), path.stem)
    return bind(pl.DataFrame({"vehicle_id": ["v1"], "bus": [bus], "dbc": [path.stem]}), {path.stem: database})


def comma_frames(folder: Path) -> pl.DataFrame:
    frames = pl.read_parquet(folder / "comma2k19" / "raw_can.parquet").with_row_index("row")
    at = (pl.col("t_s") * 1e6).round().cast(pl.Int64).cast(RAW_CAN.schema["recorded_at"])
    # Every message here that is decoded has 8 bytes; the recording has lost the zeros at their end.
    data = pl.col("data_hex").str.pad_end(16, "0").str.decode("hex")
    return frames.select(
        recorded_at=at, received_at=at, vehicle_id=pl.lit("v1"), bus=pl.col("bus").cast(pl.String),
        arbitration_id=pl.col("can_id").cast(pl.UInt32), is_extended=pl.lit(value=False), is_fd=pl.lit(value=False),
        is_error=pl.lit(value=False), dlc=pl.lit(8, pl.UInt8), data=data,
        entry_id=pl.col("row").cast(pl.String).str.zfill(9),
    )  # fmt: skip


@pytest.mark.parametrize("bus", ["0", "*"])
def test_wheel_speeds_equal_the_reference(real_data: Path, bus: str) -> None:
    rows = signals_long(decode(comma_frames(real_data), bound(TOYOTA, bus))).filter(message="WHEEL_SPEEDS")
    truth = pl.read_parquet(real_data / "comma2k19" / "truth_wheel_speed.parquet")
    for k, name in enumerate(WHEELS):
        ours = rows.filter(signal=name, bus="0").sort("recorded_at", "entry_id")["value"].to_numpy() / 3.6
        assert np.abs(ours - truth[f"wheel_speed_{k}"].to_numpy()).max() <= 1e-9


def test_echo_buses_are_not_decoded(real_data: Path) -> None:
    decoded = decode(comma_frames(real_data), bound(TOYOTA))
    assert decoded.counts.echo == 12_434 + 24_234
    assert set(signals_long(decoded)["bus"].unique()) <= {"0", "1"}


def log(path: Path) -> pl.DataFrame:
    frames = pl.concat(read_log(path, LogOptions(vehicle_id="v1")))
    entry = pl.int_range(pl.len()).cast(pl.String).str.zfill(9)
    return frames.with_columns(received_at=pl.col("recorded_at"), entry_id=entry).select(RAW_CAN.schema.names())


@pytest.mark.parametrize(
    ("name", "dbc", "whole", "cut", "message", "signal", "least", "most"),
    [
        ("uds_17BD1DB7", "tp_uds", 270, 30, "Battery", "M_SID_0x220101_StateOfChargeBMS", 50.0, 50.0),
        ("uds_2F6913DB", "tp_uds_nissan", 26, 0, "SoC_Temp", "SoC", 89.1029, 89.2286),
        ("nmea_94C49784", "tp_nmea", 60, 0, "gnssPositionData", "hdop", 1.0, 1.0),
        ("j1939_FCBF0606", "CSS-Electronics-SAE-J1939-DEMO", 16, 0, "EEC1", "EngineSpeed", 0.0, 0.0),
    ],
)  # fmt: skip
def test_multi_frame_logs_are_put_together(
    real_data: Path, name: str, dbc: str, whole: int, cut: int, message: str, signal: str, least: float, most: float
) -> None:
    """In the first log 30 answers of the battery really end after their first frame."""
    folder = real_data / "css_mf4"
    decoded = decode(log(folder / "samples" / f"{name}.MF4"), bound(folder / "dbc" / f"{dbc}.dbc"))
    counts = decoded.counts
    kinds = (counts.decoded, counts.transport, counts.error_frames, counts.unbound, counts.echo, counts.unknown_id)
    assert sum(kinds) == counts.frames > 0
    assert (counts.assembled, counts.incomplete) == (whole, cut)
    values = signals_long(decoded).filter(message=message, signal=signal)["value"]
    assert (values.min(), values.max()) == pytest.approx((least, most))
