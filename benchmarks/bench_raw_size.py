"""Bytes a frame on the disk: landing files and the day's partition, against the logger's own MF4 and other formats.

    python benchmarks/bench_raw_size.py [--data FOLDER]

FOLDER holds real recordings (setting FLEET_REAL_DATA). Peers get the same frames and their best lossless compression.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import can
import polars as pl
from asammdf import MDF

from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.log_files import LogOptions, read_log
from fleet_assets.adapters.parquet import write_parquet
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.collector.importer import import_files
from fleet_assets.contracts import RAW_CAN
from fleet_assets.core.raw import deduplicate

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"


def imported(files: list[Path], folder: Path) -> tuple[int, pl.DataFrame]:
    """Bytes of the landing files, and the rows of the raw table."""
    landing = Landing(folder / "landing")
    report = import_files(files, "can", landing, quarantine=Quarantine(folder / "q"), vehicle_id="v1")
    if report.refused:
        raise SystemExit(report.refused[0].refusal)
    days = landing.days("can")
    size = sum(file.size for day in days.values() for file in day)
    return size, deduplicate(pl.concat([landing.scan("can", day).collect() for day in days]), RAW_CAN)


def partition_size(rows: pl.DataFrame, folder: Path) -> int:
    """Bytes of the day partitions of the lake."""
    days = rows.with_columns(day=pl.col("recorded_at").dt.date()).partition_by("day", include_key=False)
    paths = [folder / f"raw_can-{number}.parquet" for number in range(len(days))]
    for day, path in zip(days, paths, strict=True):
        write_parquet(day, path, RAW_CAN)
    return sum(path.stat().st_size for path in paths)


def compressed_mf4(files: list[Path], folder: Path) -> int:
    """The loggers' files saved anew by asammdf with transposition and deflate."""
    total = 0
    for file in (file for file in files if file.suffix.upper() == ".MF4"):
        with MDF(file) as mdf:
            total += Path(mdf.save(folder / file.name, compression=2, overwrite=True)).stat().st_size
    return total


def blf(rows: pl.DataFrame, folder: Path) -> int:
    """python-can's BLF, deflate."""
    path = folder / "a.blf"
    with can.BLFWriter(path, compression_level=9) as writer:
        for message in messages(rows):
            writer(message)
    return path.stat().st_size


def messages(rows: pl.DataFrame) -> Iterator[can.Message]:
    seconds = pl.col("recorded_at").dt.timestamp("us") / 1e6
    for at, ident, extended, data in rows.select(seconds, "arbitration_id", "is_extended", "data").iter_rows():
        yield can.Message(timestamp=at, arbitration_id=ident, is_extended_id=extended, data=data)


def plain_parquet(rows: pl.DataFrame, folder: Path) -> int:
    """The same columns as Polars writes them when it is told nothing."""
    rows.write_parquet(folder / "plain.parquet")
    return (folder / "plain.parquet").stat().st_size


def show(title: str, files: list[Path], *, has_mf4: bool) -> None:
    """One recording: every format in bytes a frame, and how many times ours that is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        landed, rows = imported(files, folder)
        ours = partition_size(rows, folder)
        sizes: dict[str, Callable[[], int]] = {
            "raw_can partition": lambda: ours,
            "landing files": lambda: landed,
            "Parquet as Polars writes it": lambda: plain_parquet(rows, folder),
            "BLF (python-can, deflate 9)": lambda: blf(rows, folder),
        }
        if has_mf4:
            sizes["MF4 as the logger wrote it"] = lambda: sum(file.stat().st_size for file in files)
            sizes["MF4 (asammdf, transposed, deflate)"] = lambda: compressed_mf4(files, folder)
        print(f"{title}: {rows.height:,} frames")
        for label, size in sizes.items():
            measured = size()
            print(f"  {label:36} {measured / rows.height:6.2f} bytes a frame  {measured / ours:5.2f}x")


def comma_log(data: Path, folder: Path) -> list[Path]:
    """The car's frames as a frame log; the recording states seconds from an unknown start."""
    raw = pl.read_parquet(data / "comma2k19" / "raw_can.parquet")
    began = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=float(raw.item(0, "t_s")))
    rows = raw.select(
        recorded_at=pl.lit(began) + pl.duration(microseconds=(pl.col("t_s") * 1e6).round().cast(pl.Int64)),
        vehicle_id=pl.lit("v1"),
        bus=pl.col("bus").cast(pl.String),
        arbitration_id=pl.col("can_id").cast(pl.UInt32),
        is_extended=pl.lit(value=False),
        dlc=(pl.col("data_hex").str.len_bytes() // 2).cast(pl.UInt8),
        data=pl.col("data_hex").str.decode("hex"),
    )
    rows.write_parquet(folder / "comma.parquet")
    return [folder / "comma.parquet"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FLEET_REAL_DATA", DEFAULT)))
    data = parser.parse_args().data
    if not data.is_dir():
        raise SystemExit(f"{data}: no real recordings there; name their folder with --data or FLEET_REAL_DATA")
    packages = ", ".join(f"{name} {version(name)}" for name in ("pyarrow", "polars", "asammdf", "python-can"))
    print(f"Python {platform.python_version()}, {packages}")
    show("commute, five files", sorted((data / "css_mf4" / "day164").glob("*.MF4")), has_mf4=True)
    samples = sorted((data / "css_mf4" / "samples").glob("*.MF4"))
    samples = [path for path in samples if any(chunk.height for chunk in read_log(path, LogOptions("v1")))]
    show("short samples", samples, has_mf4=True)
    with tempfile.TemporaryDirectory() as folder:
        show("a car's whole bus, one minute", comma_log(data, Path(folder)), has_mf4=False)


if __name__ == "__main__":
    main()
