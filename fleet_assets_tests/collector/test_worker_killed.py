"""A worker killed at any moment: what it had read is landed by the next one, and raw tables keep each frame once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from fleet_assets_tests.collector.test_worker import landed, send, work
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.fixtures.can_frames import START, batch, numbers

_WORKER = """
import os, signal, sys, threading
from datetime import UTC, date, datetime
from pathlib import Path
import redis
from fleet_assets.adapters import durable_file, landing, parquet
from fleet_assets.adapters.stream_group import StreamGroup
from fleet_assets.collector.worker import Worker, WorkRules
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.collector.intake import Intake

url, folder, point, when = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
calls = [0]

def dying(before, function):
    def call(*arguments, **named):
        calls[0] += 1
        if before and calls[0] == when:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **named)
        if not before and calls[0] == when:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

POINTS = {
    "before the file": (landing, "write_parquet", True),
    "before the fsync": (durable_file.os, "fsync", True),
    "after the fsync": (durable_file.os, "fsync", False),
    "after the file": (landing, "write_parquet", False),
    "before the acknowledgement": (StreamGroup, "acknowledge", True),
    "after the acknowledgement": (StreamGroup, "acknowledge", False),
    "after reading": (StreamGroup, "read", False),
}
if point in POINTS:
    owner, name, before = POINTS[point]
    setattr(owner, name, dying(before, getattr(owner, name)))
rules = WorkRules(flush_seconds=0.05, flush_frames=40, read_entries=3, block_seconds=0.02, claim_after_seconds=0.3)
now = datetime(2026, 3, 2, tzinfo=UTC)
intake = Intake(landing.Landing(folder / "landing"), Quarantine(folder / "q"), date(2026, 1, 1), lambda: now)
print("ready", flush=True)
Worker(lambda: redis.Redis.from_url(url), intake, rules, threading.Event()).run(until_empty=True)
"""


def start(url: str, folder: Path, point: str, when: int = 2) -> subprocess.Popen[str]:
    """A worker in a process of its own that kills itself at the point, at its `when`th passing."""
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER, url, str(folder), point, str(when)],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def assert_all_landed_once(client: redis.Redis, folder: Path, count: int) -> None:
    """The next worker finishes; everything is in raw tables exactly once and nothing half-written can be seen."""
    time.sleep(0.25)
    work(client, folder)
    assert numbers(landed(folder)) == list(range(count))
    assert client.xlen("can:raw") == 0


@pytest.mark.parametrize(
    "point",
    [
        "after reading", "before the file", "before the fsync", "after the fsync", "after the file",
        "before the acknowledgement", "after the acknowledgement",
    ],
)  # fmt: skip
def test_killed_at_a_known_point(redis_server: redis.Redis, redis_url: str, tmp_path: Path, point: str) -> None:
    midnight = START.replace(hour=23, minute=59, second=59, microsecond=900_000)
    send(redis_server, *(batch(10 * number, 10, start=midnight) for number in range(20)))
    process = start(redis_url, tmp_path, point)
    assert process.wait(30) == -signal.SIGKILL
    assert_all_landed_once(redis_server, tmp_path, 200)


def test_killed_again_and_again_at_random_moments(redis_server: redis.Redis, redis_url: str, tmp_path: Path) -> None:
    dice = random.Random(7)
    for turn in range(3):
        send(redis_server, *(batch(500 * turn + 10 * number, 10) for number in range(50)))
        process = start(redis_url, tmp_path, "never")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    assert_all_landed_once(redis_server, tmp_path, 1_500)
