"""Decoding of CAN frames against cantools and asammdf: the same frames, alternating in one run.

    python benchmarks/bench_decode.py [--frames 5000000] [--rounds 3]

Prints rates, ratios, peak memory, the distance to the memory's own bandwidth, and how many values differ from those of
cantools. Rates and ratios are by processor time, everything on one core, the process that reads MF4 included. End to
end is also shown by the clock with all cores: there our file is read while the batch before is decoded; asammdf uses
one core.

In each round each peer runs twice in a row, and the better run counts: a process that reads one file after the other
has its memory at hand. `after a pause` compares the first runs alone, which get fresh memory from the system.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import gc
import json
import math
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cantools
import numpy as np
import polars as pl

from fleet_assets.adapters.log_files import LogOptions, read_log
from fleet_assets.adapters.parquet import ROW_GROUP_ROWS, write_parquet
from fleet_assets.contracts import RAW_CAN
from fleet_assets.core.can import Bindings, bind, compile_database, decode, decode_batches
from fleet_assets.core.can.decoding import decode_arrays, frame_arrays
from fleet_assets.core.can.order import in_order
from fleet_assets.core.compiled import F64, kernel
from fleet_assets.core.prefetch import prefetched

CORES = int(os.environ["POLARS_MAX_THREADS"])
NAME = "bench"
NEEDED = [name for name in RAW_CAN.schema.names() if name not in ("received_at", "entry_id", "dlc")]
BATCH = 2 * ROW_GROUP_ROWS
START = datetime(2026, 1, 1, tzinfo=UTC)
END_TO_END = ("asammdf_end_to_end", "from_mf4", "from_parquet")
TARGETS = {"cantools": 100.0, "asammdf, file open": 8.0, "end to end, MF4": 4.5, "end to end, Parquet": 10.0}


def database_text() -> str:
    """Twenty messages: both byte orders, unaligned signed bytes, floats, simple and nested multiplexing."""
    plain = [
        ' SG_ A : 0|16@1+ (0.125,0) [0|0] "rpm" X', ' SG_ B : 23|16@0+ (0.01,-40) [0|0] "degC" X',
        ' SG_ C : 35|8@1- (0.5,0) [0|0] "%" X', ' SG_ D : 43|12@1+ (0.1,0) [0|0] "V" X',
        ' SG_ E : 56|4@1+ (1,0) [0|0] "" X',
    ]  # fmt: skip
    real = [' SG_ F : 0|32@1- (1,0) [0|0] "" X', ' SG_ G : 39|12@0- (0.25,0) [0|0] "A" X']
    muxed = [
        ' SG_ M M : 0|2@1+ (1,0) [0|0] "" X', ' SG_ H m0 : 8|16@1+ (0.1,0) [0|0] "" X',
        ' SG_ I m1 : 13|8@1- (1,0) [0|0] "" X', ' SG_ J m2 : 8|24@1+ (1,0) [0|0] "" X',
        ' SG_ K m3 : 8|8@1+ (2,1) [0|0] "" X',
    ]  # fmt: skip
    lines = ['VERSION ""', "", "NS_ :", "", "BS_:", "", "BU_: X", ""]
    for number in range(20):
        signals = muxed if number % 10 == 9 else real if number % 10 == 8 else plain
        lines += [f"BO_ {0x100 + number} Message{number}: 8 X", *signals, ""]
    lines += [f"SIG_VALTYPE_ {0x100 + number} F : 1;" for number in (8, 18)]
    return "\n".join(lines) + "\n"


def make_frames(count: int) -> pl.DataFrame:
    """Random payloads of the twenty messages, in random order; one in a hundred is shorter than its message."""
    random = np.random.default_rng(7)
    data = random.integers(0, 256, (count, 8), dtype=np.uint8)
    length = np.where(random.random(count) < 0.01, random.integers(0, 8, count), 8).astype(np.uint8)
    flat = data[np.arange(8) < length[:, None]].tobytes()
    import pyarrow as pa

    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(length, dtype=np.int64)))
    payload = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(flat)]
    )
    at = int(START.timestamp() * 1e6) + np.arange(count, dtype=np.int64) * 130
    return pl.DataFrame(
        {
            "recorded_at": pl.Series(at).cast(RAW_CAN.schema["recorded_at"]),
            "received_at": pl.Series(at).cast(RAW_CAN.schema["recorded_at"]),
            "vehicle_id": pl.repeat("truck-1", count, eager=True), "bus": pl.repeat("CAN1", count, eager=True),
            "arbitration_id": pl.Series((0x100 + random.integers(0, 20, count)).astype(np.uint32)),
            **{name: pl.repeat(value=False, n=count, eager=True) for name in ("is_extended", "is_fd", "is_error")},
            "dlc": pl.Series(length),
            "data": pl.Series("data", pl.from_arrow(payload)),
            "entry_id": pl.int_range(count, eager=True).cast(pl.String).str.zfill(9),
        },
        schema=RAW_CAN.schema,
    )  # fmt: skip


def write_mf4(frames: pl.DataFrame, path: Path) -> None:
    """The frames as a bus log, the way loggers write them."""
    from asammdf import MDF, Signal
    from asammdf.blocks import v4_constants as v4c
    from asammdf.blocks.source_utils import Source

    prefix = "CAN_DataFrame"
    kinds = [("BusChannel", "u1"), ("ID", "<u4"), ("IDE", "u1"), ("DLC", "u1"), ("DataLength", "u1")]
    samples = np.zeros(
        frames.height,
        np.dtype([(f"{prefix}.{name}", kind) for name, kind in kinds] + [(f"{prefix}.DataBytes", "u1", (8,))]),
    )
    samples[f"{prefix}.BusChannel"] = 1
    samples[f"{prefix}.ID"] = frames["arbitration_id"].to_numpy()
    samples[f"{prefix}.DLC"] = samples[f"{prefix}.DataLength"] = frames["dlc"].to_numpy()
    joined = np.frombuffer(b"".join(frames["data"].to_list()), dtype=np.uint8)
    samples[f"{prefix}.DataBytes"][np.arange(8) < frames["dlc"].to_numpy()[:, None]] = joined
    source = Source("CAN1", "CAN1", "", v4c.SOURCE_BUS, v4c.BUS_TYPE_CAN)
    seconds = (frames["recorded_at"].to_physical().to_numpy() - int(START.timestamp() * 1e6)) / 1e6
    mdf: Any
    with MDF(version="4.11") as mdf:
        mdf.start_time = START
        mdf.append(Signal(samples, seconds, name=prefix, source=source), acq_source=source)
        mdf.groups[0].channel_group.flags |= v4c.FLAG_CG_BUS_EVENT | v4c.FLAG_CG_PLAIN_BUS_EVENT
        mdf.save(path, overwrite=True)


def bindings_of(text: str) -> Bindings:
    pairs = pl.DataFrame({"vehicle_id": ["truck-1"], "bus": ["*"], "dbc": [NAME]})
    return bind(pairs, {NAME: compile_database(text, NAME)})


def timed(run: Callable[[], Any]) -> float:
    gc.collect()
    # Processor time, not the clock's: the machine may have other work, and every peer runs on one core.
    start = processor_seconds()
    kept = run()
    taken = processor_seconds() - start
    del kept
    return taken


def processor_seconds() -> float:
    """Of this process and of those that it started: MF4 is read in a process of its own, which stays (Linux)."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    stats = (Path(f"/proc/{child}/schedstat").read_text().split() for child in children)
    return time.process_time() + sum(int(stat[0]) for stat in stats) / 1e9


@kernel
def _triad(a: F64, b: F64, c: F64, factor: float) -> None:
    for i in range(len(a)):
        a[i] = b[i] + factor * c[i]


def triad_bandwidth() -> float:
    """Bytes per second of a = b + s x c on one core, arrays far larger than the caches (McCalpin's STREAM)."""
    a, b, c = (np.ones(20_000_000) for _ in range(3))
    best = min(timed(lambda: _triad(a, b, c, 3.0)) for _ in range(5))
    return 3 * a.nbytes / best


class Bench:
    """The peers, each a function of no arguments over the same frames."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count, self.text = folder, count, database_text()
        self.mf4, self.parquet, self.dbc = folder / "frames.mf4", folder / "frames.parquet", folder / f"{NAME}.dbc"
        self.bindings = bindings_of(self.text)

    def prepare(self) -> None:
        self.dbc.write_text(self.text)
        frames = make_frames(self.count)
        write_parquet(frames, self.parquet, RAW_CAN)
        write_mf4(frames, self.mf4)

    def frames(self) -> pl.DataFrame:
        return pl.read_parquet(self.parquet)

    def from_parquet(self) -> Any:
        frames = pl.scan_parquet(self.parquet).select(NEEDED)
        batches = (frames.slice(start, BATCH).collect() for start in range(0, self.count, BATCH))
        return self.columns(batches if CORES == 1 else prefetched(batches))

    def from_mf4(self) -> Any:
        chunks = read_log(self.mf4, LogOptions(vehicle_id="truck-1"))
        batches = (chunk.select(NEEDED) for chunk in chunks)
        return self.columns(batches)

    def columns(self, batches: Iterable[pl.DataFrame]) -> Any:
        """What an analysis needs: the values, and the instant of each frame."""
        instants, messages, end = np.empty(self.count, dtype=np.int64), [], 0
        for decoded in decode_batches(batches, self.bindings):
            begin, end = end, end + decoded.frames.height
            instants[begin:end] = decoded.frames["recorded_at"].to_physical().to_numpy()
            messages.append(decoded.messages)
        return instants, messages

    def asammdf_end_to_end(self) -> Any:
        with self.opened() as mdf:
            return self.asammdf_open(mdf)

    def opened(self) -> Any:
        from asammdf import MDF

        return MDF(self.mf4)

    def asammdf_open(self, mdf: Any) -> Any:
        return mdf.extract_bus_logging(database_files={"CAN": [(str(self.dbc), 0)]})


def cantools_rate(bench: Bench, frames: pl.DataFrame) -> Callable[[], None]:
    database: Any = cantools.database.load_string(bench.text, "dbc", strict=False)
    pairs = list(zip(frames["arbitration_id"].to_list(), frames["data"].to_list(), strict=True))

    def run() -> None:
        for identifier, data in pairs:
            database.decode_message(identifier, data, decode_choices=False, allow_truncated=True)

    return run


def differing_values(bench: Bench, frames: pl.DataFrame) -> tuple[int, int]:
    """Values compared and values that differ, bit for bit, on these frames."""
    database: Any = cantools.database.load_string(bench.text, "dbc", strict=False)
    wanted: dict[tuple[int, str], float] = {}
    for row, (identifier, data) in enumerate(frames.select("arbitration_id", "data").iter_rows()):
        values = database.decode_message(identifier, data, decode_choices=False, allow_truncated=True)
        wanted |= {(row, name): float(value) for name, value in values.items()}
    compared = differ = 0
    for part in decode(frames, bench.bindings).messages:
        for signal, values in zip(part.signals, part.values, strict=True):
            for row, value in zip(part.rows.tolist(), values.tolist(), strict=True):
                compared += 1
                differ += not _same(value, wanted.pop((row, signal.name), math.nan))
    return compared, differ + len(wanted)


def _same(value: float, wanted: float) -> bool:
    return value == wanted or (math.isnan(value) and math.isnan(wanted))


def in_own_process(bench: Bench, option: str, what: str, **environment: str) -> Any:
    """The answer of one end-to-end run in its own process."""
    arguments = ["--frames", str(bench.count), "--folder", str(bench.folder), option, what]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, *arguments],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def report_wall(bench: Bench, what: str, rounds: int) -> None:
    """Seconds by the clock, all cores allowed, the best of several rounds."""
    decode(make_frames(1000), bench.bindings)
    best = math.inf
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        kept = getattr(bench, what)()
        best = min(best, time.perf_counter() - start)
        del kept
    print(json.dumps(best))


def report_peak(bench: Bench, what: str) -> None:
    import asammdf  # noqa: F401

    small = make_frames(1000)
    decode(small, bench.bindings)
    before = high_water_megabytes()
    kept = getattr(bench, what)()
    print(json.dumps({"before": before, "peak": high_water_megabytes()}))
    del kept


def high_water_megabytes() -> float:
    """Most memory this process ever held (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def bytes_touched(arrays: Any, messages: Any) -> int:
    """What decoding cannot do without: every identifier, flag, length and payload read, every value written."""
    read = sum(part.nbytes for part in (arrays.arbitration_id, arrays.is_extended, arrays.is_error))
    return int(read + 8 * len(arrays.arbitration_id) + sum(part.values.nbytes for part in messages))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--peak")
    parser.add_argument("--wall")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(CORES))
    if options.wall:
        report_wall(Bench(options.folder, options.frames), options.wall, options.rounds)
        return
    if options.peak:
        report_peak(Bench(options.folder, options.frames), options.peak)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        run(Bench(Path(folder), options.frames), options.rounds)


def run(bench: Bench, rounds: int) -> None:
    bench.prepare()
    frames = bench.frames()
    arrays, names = frame_arrays(in_order(frames))
    sample = frames.slice(0, 100_000)
    one_by_one = cantools_rate(bench, sample)
    mdf = bench.opened()
    messages, _ = decode_arrays(arrays, frames, names, bench.bindings)
    touched = bytes_touched(arrays, messages)
    del messages
    peers: dict[str, tuple[Callable[[], Any], int]] = {
        "arrays in, columns out": (lambda: decode_arrays(arrays, frames, names, bench.bindings), bench.count),
        "frame in, columns out": (lambda: decode(frames, bench.bindings), bench.count),
        "cantools": (one_by_one, sample.height),
        "asammdf, file open": (lambda: bench.asammdf_open(mdf), bench.count),
        "asammdf, MF4": (bench.asammdf_end_to_end, bench.count),
        "end to end, MF4": (bench.from_mf4, bench.count),
        "end to end, Parquet": (bench.from_parquet, bench.count),
    }
    best, first = dict.fromkeys(peers, math.inf), dict.fromkeys(peers, math.inf)
    triads = []
    for _ in range(rounds):
        triads.append(triad_bandwidth())
        for name, (call, count) in peers.items():
            cold, warm = timed(call) / count, timed(call) / count
            first[name], best[name] = min(first[name], cold), min(best[name], cold, warm)
    print_header(bench)
    print_rates(best, first)
    rate, triad = touched / (best["arrays in, columns out"] * bench.count), max(triads)
    print(f"  triad {triad / 1e9:.1f} GB/s; decoding reads and writes {rate / 1e9:.1f} GB/s, {rate / triad:.0%} of it")
    compared, differ = differing_values(bench, sample.slice(0, 50_000))
    print(f"  {differ} of {compared} values differ from cantools'")
    print_wall(bench)
    print_peaks(bench)


def print_header(bench: Bench) -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in ("cantools", "asammdf", "numba", "polars", "numpy"))
    sizes = f"MF4 {bench.mf4.stat().st_size / 1e6:.0f} MB, Parquet {bench.parquet.stat().st_size / 1e6:.0f} MB"
    print(f"Python {platform.python_version()}, {packages}")
    print(f"{bench.count / 1e6:g} million frames of 20 messages, random payloads; {sizes}")


def print_rates(best: dict[str, float], first: dict[str, float]) -> None:
    print("Processor time, one core:")
    for name, seconds in best.items():
        print(f"  {name:24s} {1e-6 / seconds:8.2f} million frames/s")
    ours, mf4 = best["arrays in, columns out"], best["asammdf, MF4"]
    ratios = {
        "cantools": best["cantools"] / ours, "asammdf, file open": best["asammdf, file open"] / ours,
        "end to end, MF4": mf4 / best["end to end, MF4"], "end to end, Parquet": mf4 / best["end to end, Parquet"],
    }  # fmt: skip
    for name, ratio in ratios.items():
        print(f"  times faster than {name:22s} {ratio:7.1f}  (target {TARGETS[name]:g})")
    for name in ("end to end, MF4", "end to end, Parquet"):
        print(f"  after a pause: {name:25s} {first['asammdf, MF4'] / first[name]:7.1f}")


def print_wall(bench: Bench) -> None:
    cores = os.cpu_count() or 1
    print(f"By the clock, {cores} cores:")
    wall = {what: in_own_process(bench, "--wall", what, POLARS_MAX_THREADS=str(cores)) for what in END_TO_END}
    for what, seconds in wall.items():
        ratio = wall["asammdf_end_to_end"] / seconds
        print(f"  {what:24s} {1e-6 * bench.count / seconds:8.2f} million frames/s, {ratio:.1f} times asammdf's")


def print_peaks(bench: Bench) -> None:
    print("Peak memory, one core:")
    peaks = {what: in_own_process(bench, "--peak", what) for what in END_TO_END}
    reference = peaks["asammdf_end_to_end"]
    for what, megabytes in peaks.items():
        beyond = megabytes["peak"] - megabytes["before"]
        share = beyond / max(reference["peak"] - reference["before"], 1.0)
        total = megabytes["peak"]
        print(f"  {what:24s} {total:6.0f} MB, {beyond:6.0f} MB beyond the imports, {share:.2f} of asammdf's")


if __name__ == "__main__":
    main()
