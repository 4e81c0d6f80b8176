"""`fleet import` of whole files against the peer that reads the same files, each as a process of its own, in turn.

    python benchmarks/bench_import.py [--frames 1000000] [--rounds 5]

The same frames as .log, .asc, .trc, .blf and .csv (written by python-can) and .mf4 (by asammdf). The peer only reads:
python-can frame by frame, asammdf all samples at once. Ours reads, names, compares with what has landed and writes
Parquet, durably. Processor seconds are those of the process and all that it started; memory is the most that these held
together (proportional set size, Linux).
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import can
import numpy as np
from bench_decode import make_frames, write_mf4

WRITTEN_BY_CAN = (".log", ".asc", ".trc", ".blf", ".csv")
BEGAN_S = 1_780_000_000.0
PEERS = {
    "can": "import can, sys\nfor _ in can.LogReader(sys.argv[1]): pass",
    "asammdf": "import sys, asammdf\n"
    "with asammdf.MDF(sys.argv[1], process_bus_logging=False) as mdf:\n"
    "    for group in range(len(mdf.groups)): mdf.get('CAN_DataFrame', group=group)",
}
_POLL_S = 0.02


@dataclass(frozen=True)
class Used:
    """What a process and those that it started used."""

    cpu_s: float
    peak_mb: float


def messages(count: int) -> Iterator[can.Message]:
    """50 identifiers, random bytes, 2 000 frames a second."""
    data = np.random.default_rng(3).integers(0, 256, (count, 8), dtype=np.uint8)
    for number in range(count):
        yield can.Message(
            timestamp=round(BEGAN_S + number * 0.0005, 6), arbitration_id=0x18FE0000 + number % 50, channel=1,
            is_extended_id=True, data=data[number].tobytes(),
        )  # fmt: skip


def written(path: Path, count: int) -> Path:
    if path.suffix == ".mf4":
        write_mf4(make_frames(count), path)
        return path
    with can.Logger(path) as logger:
        for message in messages(count):
            logger(message)
    return path


def ours(path: Path) -> list[str]:
    answers = ["--source", "can", "--vehicle-id", "bench", "--timezone", "UTC"]
    return [sys.executable, "-m", "fleet_assets", "import", str(path), *answers]


def peer(path: Path) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", PEERS["asammdf" if path.suffix == ".mf4" else "can"], str(path)]


def used(command: list[str]) -> Used:
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            command, env=os.environ | {"FLEET_HOME": home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        peak = 0.0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            peak = max(peak, sum(map(held_mb, family(process.pid))))
            time.sleep(_POLL_S)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Used(usage.ru_utime + usage.ru_stime, peak)


def family(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        below = (thread.joinpath("children").read_text().split() for thread in Path(f"/proc/{pid}/task").iterdir())
        return [pid, *(one for children in below for child in children for one in family(int(child)))]
    except OSError:
        return []


def held_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--formats", nargs="+", default=[*WRITTEN_BY_CAN, ".mf4"])
    asked = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("python-can", "asammdf", "polars", "pyarrow"))
    print(f"Python {platform.python_version()}, {packages}, {os.cpu_count()} cores; {asked.frames:,} frames a file")
    with tempfile.TemporaryDirectory() as folder:
        for ending in asked.formats:
            path = written(Path(folder) / f"frames{ending}", asked.frames)
            runs = [(used(ours(path)), used(peer(path))) for _ in range(asked.rounds)]
            mine, other = (min(run[side].cpu_s for run in runs) for side in (0, 1))
            peak = max(run[0].peak_mb for run in runs)
            print(
                f"  {path.suffix:5} {path.stat().st_size / 1e6:6.0f} MB: {mine:5.2f} s of processor,"
                f" peer {other:5.2f} s ({other / mine:.2f} x); {peak:.0f} MB"
            )


if __name__ == "__main__":
    main()
