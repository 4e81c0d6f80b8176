"""`fleet collect` as a person and as systemd use it: processes, signals, exit codes, sentences."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import redis

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.installation import Installation
from fleet_assets_tests.collector.test_scanner import wait_for
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.can_frames import START, frame_log, message, numbers
from fleet_assets_tests.fixtures.fleet_here import FleetHere
from fleet_assets_tests.fixtures.multicast import SCANNED, multicast
from fleet_assets_tests.fixtures.redis import entries_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 5 000 frames of a vehicle."""
    path = tmp_path / "drive.parquet"
    frame_log(5_000).write_parquet(path)
    return path


@contextmanager
def process(installation: Installation, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A collector process that is killed in the end unless it stopped."""
    running = subprocess.Popen(
        [sys.executable, "-m", "fleet_assets", "collect", *arguments, "--log", "json"],
        env=os.environ | {"FLEET_HOME": str(installation.settings.root)} | environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def until(running: subprocess.Popen[str], event: str) -> dict[str, object]:
    """The first log line that tells of the event."""
    assert running.stderr is not None
    for line in running.stderr:
        told = json.loads(line)
        if told["event"] == event:
            return dict(told)
    raise AssertionError(f"the process ended without {event}")


def landed(installation: Installation) -> pl.DataFrame:
    return installation.landing.scan("can", START.date()).collect().sort("entry_id")


def test_a_replayed_log_reaches_the_landing_zone_through_a_private_server(
    installation: Installation, fleet: FleetCommand, log: Path
) -> None:
    with process(installation, "work", "--flush-seconds", "0.2") as worker:
        until(worker, "worker_started")
        sent = fleet("collect", "scan", "--replay", log)
        assert (sent.returncode, sent.stdout) == (0, "5,000 frames read, 5,000 sent, 0 of them by way of the spool\n")
        until(worker, "landed")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert numbers(landed(installation)) == list(range(5_000))


def test_work_until_empty_ends_by_itself_and_says_what_it_did(
    installation: Installation, fleet: FleetCommand, log: Path, redis_url: str
) -> None:
    fleet("collect", "scan", "--replay", log, FLEET_REDIS_URL=redis_url)
    done = fleet("collect", "work", "--until-empty", "--flush-frames", "2000", FLEET_REDIS_URL=redis_url)
    said = "5,000 frames landed in 1 file, 0 frames and 0 entries quarantined\n"
    assert (done.returncode, done.stdout) == (0, said)
    assert landed(installation).height == 5_000


def test_sigterm_drains_the_worker(
    installation: Installation, fleet: FleetCommand, log: Path, redis_server: redis.Redis, redis_url: str
) -> None:
    with process(installation, "work", "--flush-seconds", "50", FLEET_REDIS_URL=redis_url) as worker:
        until(worker, "worker_started")
        fleet("collect", "scan", "--replay", log, FLEET_REDIS_URL=redis_url)
        wait_for(lambda: redis_server.xinfo_groups(STREAM)[0]["lag"] == 0, seconds=60)
        worker.send_signal(signal.SIGTERM)
        assert until(worker, "worker_stopped")["frames"] == 5_000
        assert worker.wait(20) == 0
    assert numbers(landed(installation)) == list(range(5_000))


def test_sigterm_drains_the_scanner_of_a_bus(
    installation: Installation, redis_server: redis.Redis, redis_url: str
) -> None:
    with multicast() as vehicle, process(
        installation, "scan", *SCANNED, "--vehicle", "v1", "--bus", "can3", "--single", FLEET_REDIS_URL=redis_url
    ) as scanner:  # fmt: skip
        until(scanner, "scan_started")
        for number in range(100):
            vehicle.send(message(number))
        wait_for(lambda: redis_server.xlen(STREAM) > 0)
        scanner.send_signal(signal.SIGTERM)
        told = until(scanner, "scan_stopped")
        assert (told["read"], told["sent"], scanner.wait(20)) == (100, 100, 0)
    fields = entries_of(redis_server)[0][1]
    assert (fields[b"vehicle"], fields[b"bus"], fields[b"data"]) == (b"v1", b"can3", b"00" * 8)


def test_a_stopped_replay_has_sent_exactly_what_it_says(
    installation: Installation, fleet: FleetCommand, log: Path, redis_server: redis.Redis, redis_url: str
) -> None:
    with process(installation, "scan", "--replay", str(log), "--speed", "1", FLEET_REDIS_URL=redis_url) as scanner:
        wait_for(lambda: redis_server.xlen(STREAM) > 0)
        scanner.send_signal(signal.SIGTERM)
        told = until(scanner, "scan_stopped")
        assert scanner.wait(20) == 0
    assert told["read"] == told["sent"]
    done = fleet("collect", "work", "--until-empty", FLEET_REDIS_URL=redis_url)
    assert done.returncode == 0
    assert numbers(landed(installation)) == list(range(int(str(told["sent"]))))


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["scan"], 2, "say what to read: --interface"),
        (["scan", "--interface", "virtual"], 2, "say whose bus it is: --vehicle"),
        (["scan", "--interface", "nosuch", "--vehicle", "v"], 2, "CAN interface 'nosuch' does not exist; python-can"),
        (["scan", "--interface", "socketcan", "--channel", "can77", "--vehicle", "v"], 1, "bring it up first"),
        (["scan", "--replay", "absent.blf"], 2, "absent.blf: there is no such file or folder"),
        (["scan", "--replay", "x", "--interface", "virtual"], 2, "give one of the two"),
        (["scan", "--replay", ".", "--timezone", "Madrid"], 2, "'Madrid' is not an IANA time zone"),
        (["scan", "--replay", ".", "--start", "2026-01-01T00:00:00"], 2, "has no offset: write 2026-01-01T00:00:00Z"),
        (["scan", "--frobnicate"], 2, "No such option: --frobnicate"),
        (["work", "--flush-frames", "0"], 2, "Invalid value for '--flush-frames'"),
        (["work", "--flush-seconds", "60"], 2, "--claim-seconds 60 must exceed --flush-seconds 60"),
    ],
)
def test_wrong_use_is_one_sentence_and_an_exit_code(
    fleet_here: FleetHere, redis_url: str, arguments: list[str], code: int, sentence: str
) -> None:
    done = fleet_here("collect", *arguments, FLEET_REDIS_URL=redis_url)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err


@pytest.mark.parametrize(
    "arguments",
    [["work"], ["scan", "--interface", "virtual", "--channel", "a", "--vehicle", "v"], ["scan", "--replay"]],
)
def test_an_absent_redis_is_named_with_what_to_do(fleet_here: FleetHere, log: Path, arguments: list[str]) -> None:
    files = [str(log)] if arguments[-1] == "--replay" else []
    done = fleet_here("collect", *arguments, *files, FLEET_REDIS_URL="redis://127.0.0.1:1/0")
    assert done.code == 1
    assert "Redis does not answer at redis://127.0.0.1:1/0" in done.err
    assert "start it or mend FLEET_REDIS_URL" in done.err


def test_an_offline_scanner_spools_and_the_next_one_sends(
    installation: Installation, redis_server: redis.Redis, redis_url: str
) -> None:
    options = [*SCANNED, "--vehicle", "v1"]
    away = {"FLEET_REDIS_URL": "redis://127.0.0.1:1/0"}
    with multicast() as vehicle:
        with process(installation, "scan", *options, "--offline", **away) as scanner:
            until(scanner, "scan_started")
            for number in range(50):
                vehicle.send(message(number))
            until(scanner, "redis_unreachable")
            scanner.send_signal(signal.SIGTERM)
            assert until(scanner, "scan_stopped")["still_spooled"] is True
        with process(installation, "scan", *options, FLEET_REDIS_URL=redis_url) as scanner:
            until(scanner, "scan_started")
            wait_for(lambda: redis_server.xlen(STREAM) > 0)
            scanner.send_signal(signal.SIGTERM)
            assert until(scanner, "scan_stopped")["sent"] == 50


def test_a_second_scanner_of_the_same_bus_is_refused(
    installation: Installation, fleet: FleetCommand, redis_url: str
) -> None:
    bus = ["--interface", "virtual", "--channel", "a", "--vehicle", "v"]
    with process(installation, "scan", *bus, FLEET_REDIS_URL=redis_url) as scanner:
        until(scanner, "scan_started")
        done = fleet("collect", "scan", *bus, FLEET_REDIS_URL=redis_url)
    assert (done.returncode, "another scanner already works for v-a" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ["scan", "work"])
def test_help_teaches_by_example(fleet_here: FleetHere, command: str) -> None:
    done = fleet_here("collect", command, "--help")
    assert done.code == 0
    assert done.out.count(f"fleet collect {command}") >= 3


@pytest.mark.parametrize("kind", ["string", "list", "hash"])
def test_another_programs_key_under_the_streams_name_is_refused_at_start(
    fleet: FleetCommand, log: Path, redis_server: redis.Redis, redis_url: str, kind: str
) -> None:
    write: dict[str, Callable[[], object]] = {
        "string": lambda: redis_server.set(STREAM, "x"),
        "list": lambda: redis_server.rpush(STREAM, "x"),
        "hash": lambda: redis_server.hset(STREAM, "x", "y"),
    }
    write[kind]()
    sentence = f"fleet: can:raw in this Redis is a {kind}, not a stream: it is another program's; give fleet a Redis"
    for command in (("work", "--until-empty"), ("scan", "--replay", log)):
        done = fleet("collect", *command, FLEET_REDIS_URL=redis_url)
        assert (done.returncode, done.stderr.count(sentence), "Traceback" in done.stderr) == (1, 1, False)


def test_sigterm_ends_a_worker_within_ten_seconds_though_redis_hangs(
    installation: Installation, tmp_path: Path
) -> None:
    server = PrivateServer(tmp_path / "other").start()
    number = int(server.client().info()["process_id"])
    with process(installation, "work", FLEET_REDIS_URL=f"unix://{server.socket}") as worker:
        until(worker, "worker_started")
        os.kill(number, signal.SIGSTOP)
        try:
            time.sleep(1)
            asked = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            worker.wait(20)
            assert time.monotonic() - asked < 10
        finally:
            os.kill(number, signal.SIGCONT)
    server.close()
