"""A collector of real processes that is shot at: scanners, workers and Redis killed, disks full and slow, strangers.

Belongs here: starting, feeding, killing and starting again. Does not belong here: judging what arrived (exactly_once).
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import can
import numpy as np
import numpy.typing as npt
import polars as pl
from redis.exceptions import RedisError

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.frame_batch import binary_column
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.adapters.scan_heartbeat import ScanHeartbeat
from fleet_assets.adapters.spool import waiting
from fleet_assets.collector.bus import BusOptions, open_bus
from fleet_assets.contracts.errors import ServiceError
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.fixtures.multicast import free_udp_port
from fleet_assets_tests.fixtures.small_disk import fill, small_disk
from fleet_assets_tests.proofs.outcome import Say
from fleet_assets_tests.proofs.supervisor import Child, Supervisor

LIVE, REPLAYED = "live-1", "log-1"
"""Vehicles of the two ways in."""

GROUP = "239.74.163.41"


@dataclass(frozen=True)
class Campaign:
    """How much is sent and how hard is shot; times in seconds."""

    logs: int
    frames_per_log: int
    live_frames_per_second: int
    kills: int
    replay_speed: str = "10"
    between_kills: tuple[float, float] = (0.4, 1.7)
    outages: int = 2
    """Episodes of each other fault: spool disk full, landing disk full, slow disk, Redis hanging, stream trimmed."""
    outage_seconds: float = 2.0
    hang_seconds: float = 7.0
    disk_bytes: int = 128 << 20
    seed: int = 20_260_301


@dataclass
class Fired:
    """What was really done."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    live_sent: list[tuple[int, int]] = field(default_factory=list)
    """Before and after sending each frame of the bus, in unix nanoseconds; the place is the frame's number."""
    seconds: float = 0.0


Command = Callable[[int | None], list[str] | None]
"""The next command line by the exit code of the last; None when there is nothing more to do."""


class Role:
    """One process that is started again whenever it ends, until told otherwise."""

    def __init__(self, supervisor: Supervisor, log: Path, command: Command) -> None:
        self._supervisor, self._log, self._command = supervisor, log, command
        self._process: Child | None = None
        self._log_size = 0
        self._ends = False
        self._thread = threading.Thread(target=self._run, name=log.stem, daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has nothing more to do."""
        return not self._thread.is_alive()

    @property
    def is_at_work(self) -> bool:
        """Whether it runs and has said something: no longer only starting."""
        is_running = self._process is not None and self._process.is_running
        return is_running and self._log.exists() and self._log.stat().st_size > self._log_size

    def kill(self) -> bool:
        """SIGKILL; False when it is not running right now."""
        if self._process is None or not self._process.is_running:
            return False
        self._process.signal(signal.SIGKILL)
        return True

    def end(self) -> None:
        """SIGTERM, and no new start; waits."""
        self._ends = True
        while self._thread.is_alive():
            if self._process is not None:
                self._process.signal(signal.SIGTERM)
            self._thread.join(1)

    def _run(self) -> None:
        code: int | None = None
        while not self._ends and (command := self._command(code)) is not None:
            self._log_size = self._log.stat().st_size if self._log.exists() else 0
            self._process = self._supervisor.start(command, self._log)
            code = self._process.wait()


class Fleet:
    """The processes of one installation and what may happen to them."""

    def __init__(self, home: Path, campaign: Campaign) -> None:
        self.home, self.campaign, self.fired = home, campaign, Fired()
        self._dice = random.Random(campaign.seed)
        self._faults = home / "faults"
        self._faults.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
        environment |= {"FLEET_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
        self._supervisor = Supervisor(self._faults, environment)
        # Not of the seed: trials side by side must not hear each other.
        self._port = free_udp_port()
        self._disks: dict[str, Path | None] = {}
        self._unsent = sorted((home / "logs").glob("*.parquet"))
        self.server = PrivateServer(home / "redis")

    def run(self, *arguments: str) -> None:
        """One command to its end, which must be a good one."""
        code = self._supervisor.start(arguments, self.home / "run.log").wait()
        if code:
            raise RuntimeError(f"fleet {' '.join(arguments)} ended with {code}; see {self.home / 'run.log'}")

    def fight(self, say: Say) -> None:
        """All of it; on return everything that was sent and not lost has landed."""
        began = time.monotonic()
        with ExitStack() as stack:
            stack.callback(self._supervisor.close)
            for name in ("spool", "landing"):
                disk = small_disk(self.home / name, self.campaign.disk_bytes)
                self._disks[name] = stack.enter_context(disk)
            roles = self._roles()
            if "live scanner" in roles:
                say("waiting for the scanner to listen")
                self._wait_for_scanner(0)
            with self._bus_traffic() if "live scanner" in roles else ExitStack():
                self._shoot(roles, say)
                self._wait_for_replays(roles, say)
            self._end(roles, say)
        self.fired.seconds = time.monotonic() - began

    def _roles(self) -> dict[str, Role]:
        work = collect("work", "--flush-seconds", "0.5", "--claim-seconds", "4", "--no-live")
        commands: dict[str, Command] = {
            "worker one": lambda _code: work,
            "worker two": lambda _code: work,
            "replay": self._next_replay,
        }
        if self._has_bus():
            options = ["--interface", "udp_multicast", "--channel", GROUP, "--bus-option", f"port={self._port}"]
            scan = collect("scan", *options, "--vehicle", LIVE, "--bus", "can0", "--offline")
            commands["live scanner"] = lambda _code: scan
        return {name: Role(self._supervisor, self.home / f"{name}.log", command) for name, command in commands.items()}

    def _has_bus(self) -> bool:
        try:
            open_bus(self._bus()).shutdown()
        except ServiceError:
            return False
        return True

    def _bus(self) -> BusOptions:
        return BusOptions("udp_multicast", GROUP, extra={"port": self._port})

    def _next_replay(self, code: int | None) -> list[str] | None:
        """The first log whose replay did not end well yet, as a person would send it again."""
        if code == 0:
            self._unsent.pop(0)
        if not self._unsent:
            return None
        return collect(
            "scan", "--replay", str(self._unsent[0]), "--vehicle", REPLAYED, "--speed", self.campaign.replay_speed
        )

    @contextmanager
    def _bus_traffic(self) -> Iterator[None]:
        """Frames on the bus, whoever listens, until the block ends."""
        stop = threading.Event()
        thread = threading.Thread(target=self._feed, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _feed(self, stop: threading.Event) -> None:
        sent, tick = self.fired.live_sent, 0.01
        with open_bus(self._bus()) as bus:
            while not stop.wait(tick):
                for _ in range(int(self.campaign.live_frames_per_second * tick)):
                    number = len(sent)
                    frame = can.Message(arbitration_id=0x100 + number % 7, is_extended_id=False, data=payload(number))
                    before = time.time_ns()
                    bus.send(frame)
                    sent.append((before, time.time_ns()))

    def _shoot(self, roles: dict[str, Role], say: Say) -> None:
        """Kills at random instants, and between them the other faults."""
        faults = [self._full_spool, self._full_landing, self._slow_disk, self._hang, self._trim]
        plan = [fault for fault in faults for _ in range(self.campaign.outages)]
        self._dice.shuffle(plan)
        step = max(1, self.campaign.kills // (len(plan) + 1))
        while (count := self.fired.kills.total()) < self.campaign.kills:
            time.sleep(self._dice.uniform(*self.campaign.between_kills))
            target = next((name for name in self._targets(roles) if self._kill(name, roles)), None)
            if target is not None:
                self.fired.kills[target] += 1
                say(f"{count + 1} of {self.campaign.kills} kills, {len(self.fired.live_sent):,} frames on the bus")
            if plan and count >= step * (len(faults) * self.campaign.outages - len(plan) + 1):
                threading.Thread(target=plan.pop(), daemon=True).start()
        for fault in plan:
            fault()

    def _targets(self, roles: dict[str, Role]) -> list[str]:
        """Those at work, the one that was shot at least first; now and then any, also while they start."""
        names = ["redis", *(name for name, role in roles.items() if role.is_at_work)]
        if self._dice.random() < 0.1:
            names = ["redis", *roles]
        return sorted(names, key=lambda name: (self.fired.kills[name], self._dice.random()))

    def _kill(self, name: str, roles: dict[str, Role]) -> bool:
        return self._kill_redis() if name == "redis" else roles[name].kill()

    def _kill_redis(self) -> bool:
        try:
            process = int(self.server.client(1).info("server")["process_id"])
            os.kill(process, signal.SIGKILL)
        except (RedisError, OSError):
            return False
        return True

    def _full_spool(self) -> None:
        self._fill("spool")

    def _full_landing(self) -> None:
        self._fill("landing")

    def _fill(self, name: str) -> None:
        disk = self._disks[name]
        ballast = fill(disk) if disk is not None else self._faults / "full"
        ballast.touch()
        if name == "spool":
            self._kill_redis()
        time.sleep(self.campaign.outage_seconds)
        ballast.unlink()
        self.fired.faults[f"{name} disk full"] += 1

    def _slow_disk(self) -> None:
        flag = self._faults / "slow"
        flag.touch()
        time.sleep(self.campaign.outage_seconds)
        flag.unlink()
        self.fired.faults["slow disk"] += 1

    def _hang(self) -> None:
        """Redis takes connections and answers nothing."""
        try:
            process = int(self.server.client(1).info("server")["process_id"])
            os.kill(process, signal.SIGSTOP)
            time.sleep(self.campaign.hang_seconds)
            os.kill(process, signal.SIGCONT)
        except (RedisError, OSError):
            return
        self.fired.faults["Redis hanging"] += 1

    def _trim(self) -> None:
        """A stranger empties the stream."""
        try:
            removed = self.server.client(1).xtrim(STREAM, maxlen=0, approximate=False)
        except (RedisError, OSError):
            return
        self.fired.faults["stream trimmed by a stranger"] += 1
        self.fired.faults["entries that took away"] += int(str(removed))

    def _wait_for_replays(self, roles: dict[str, Role], say: Say) -> None:
        while not roles["replay"].is_over:
            say(f"no more kills; {len(self._unsent)} logs to go")
            time.sleep(0.2)

    def _end(self, roles: dict[str, Role], say: Say) -> None:
        """Stop as a person would, then land what is left."""
        say("stopping, and landing what is left")
        self.server.start()
        if "live scanner" in roles:
            self._wait_for_scanner(time.time_ns() // 1_000)
            roles["live scanner"].end()
        for name in ("worker one", "worker two"):
            roles[name].end()
        self.run(*collect("work", "--until-empty", "--flush-seconds", "0.5", "--claim-seconds", "2", "--no-live"))
        say("building raw_can and ingest_gaps")
        self.run("build", "--select", "raw_can,ingest_gaps")
        self.server.close()

    def _wait_for_scanner(self, now_us: int) -> None:
        """Until one runs that has said what its predecessors left, has read all, and holds nothing back."""
        folder = self.home / "spool" / f"{LIVE}-can0"
        while True:
            reached = ScanHeartbeat(folder).read()
            if reached and reached.safe_us > now_us and waiting(folder).records == 0:
                return
            time.sleep(0.1)


def collect(*arguments: str) -> list[str]:
    """The command line of a collector process."""
    return ["collect", *arguments, "--log", "json"]


def payload(number: int) -> bytes:
    """Eight bytes that tell which frame it is, and that no other part of them was changed."""
    return number.to_bytes(4, "big") + (number * 2_654_435_761 % 2**32).to_bytes(4, "big")


def payloads(numbers: npt.NDArray[np.int64]) -> pl.Series:
    """The same for many."""
    halves = np.stack([numbers, numbers * 2_654_435_761 % 2**32], axis=1).astype(">u4")
    return binary_column(halves.tobytes(), np.full(len(numbers), 8, np.uint8))
