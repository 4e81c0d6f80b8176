"""The demo's road from frame logs to landed files: scanner in this process, worker in one of its own, as on a real box.

Belongs here: starting, watching and ending the two. Does not belong here: sending and landing (`collector`).
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fleet_assets.adapters.log_files.options import LogOptions
from fleet_assets.adapters.redis_server import connect, release
from fleet_assets.adapters.spool import Spool
from fleet_assets.adapters.stream_group import StreamGroup
from fleet_assets.collector.scanner import Replay, ScanRules, replay_logs
from fleet_assets.collector.sender import Sender, SenderRules
from fleet_assets.contracts.errors import ServiceError
from fleet_assets.installation import Installation

WATCH_SECONDS = 0.2
FLUSH_FRAMES = 500_000
"""Larger than the worker's default: the demo asks for throughput, not for fresh files."""


@dataclass(frozen=True)
class Watch:
    """What a progress bar is told: frames sent so far, and that the rest is being landed."""

    sent: Callable[[int], None]
    waiting: Callable[[], None]


def send_logs(demo: Installation, logs: Sequence[Path], watch: Watch, lock: int) -> int:
    """Send frame logs through Redis until every frame has landed; returns the frames.

    The worker inherits `lock`, so that nobody begins anew while one that was orphaned still lands frames.
    """
    with _worker(demo, lock) as worker:
        frames = _replay(demo, logs, watch.sent)
        group = StreamGroup(connect(demo.settings))
        group.create()
        while (backlog := group.backlog()).pending or backlog.undelivered != 0:
            if worker.poll() is not None:
                raise ServiceError(f"the worker ended with code {worker.returncode}; its words are in {_log(demo)}")
            watch.waiting()
            time.sleep(WATCH_SECONDS)
    release(demo.settings)
    return frames


def _replay(demo: Installation, logs: Sequence[Path], sent: Callable[[int], None]) -> int:
    stop = threading.Event()
    spool = Spool(demo.settings.root / "spool" / "demo")
    sender = Sender(partial(connect, demo.settings), spool, SenderRules(is_patient=True), stop)
    frames = 0
    try:
        for log in logs:
            frames += replay_logs(Replay([log], LogOptions(vehicle_id=log.stem)), sender, ScanRules(), stop)
            sent(frames)
    except BaseException:
        stop.set()
        raise
    finally:
        sender.close()
    return frames


@contextmanager
def _worker(demo: Installation, lock: int) -> Iterator[subprocess.Popen[bytes]]:
    """`fleet collect work` of the demo's installation, ended the way a supervisor would end it."""
    command = [sys.executable, "-m", "fleet_assets", "collect", "work", "--with-parent"]
    command += ["--flush-frames", str(FLUSH_FRAMES)]
    with _log(demo).open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, pass_fds=[lock])
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _log(demo: Installation) -> Path:
    folder = demo.settings.root / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "worker.log"
