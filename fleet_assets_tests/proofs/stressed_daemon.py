"""A daemon, its runs and builds killed and paused at random while rows land; then left alone until all is current."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from fleet_assets.contracts import RAW_TELEMETRY, TELEMETRY
from fleet_assets_tests.fixtures.energy_fleet import energy_rows, write_energy_reference
from fleet_assets_tests.fixtures.installation import Group, OwnInstallation, days_from, small_day, wait_until
from fleet_assets_tests.fixtures.partition_writers import Reader
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength

DAYS = days_from(date(2026, 3, 2), 8)
BATCH_ROWS = 100
ENERGY_EVERY = 7
"""Batches of which one is a day of tanks and batteries."""
UNREST_S = 120
PAUSE_S = (10, 30)
RECOVERY_S = 900
"""Patience, not a claim: on two idle cores it takes three minutes."""
QUIET_S = 75
"""Five ticks of the sensors for landing and automation, two of `catch_up`."""


def prove_daemon(strength: Strength, say: Say) -> Iterator[Outcome]:
    """Only at full strength: a daemon takes a quarter of a minute to start, and a run five seconds."""
    if strength is Strength.QUICK:
        return
    with tempfile.TemporaryDirectory(prefix="fleet-daemon-") as folder:
        here = OwnInstallation(Path(folder) / "home")
        with Reader(here.installation, (RAW_TELEMETRY, TELEMETRY), BATCH_ROWS, pause_s=0.2) as reader:
            unrest = Unrest(here, say)
            unrest.go_on_for(UNREST_S)
            yield from _recovery(here, unrest, reader, say)
        unrest.daemon.stop()
        say("rebuilding")
        different = here.differences(here.rebuilt(Path(folder) / "rebuilt"))
    tried = f"{unrest.batches} batches of {len(DAYS)} days landed during {unrest.words}"
    seen = f"different: {', '.join(different)}" if different else "every table and mart equals a full rebuild"
    yield Outcome("no landed row is lost", tried, not different, seen)


def _recovery(here: OwnInstallation, unrest: Unrest, reader: Reader, say: Say) -> Iterator[Outcome]:
    began = time.monotonic()
    say("waiting until everything is current")
    done = wait_until(lambda: here.is_at_rest(), RECOVERY_S, every=5)
    seconds = time.monotonic() - began
    seen = f"current {seconds:.0f} s after the last kill" if done else f"after {RECOVERY_S} s: {here.stale()}"
    yield Outcome("the next daemon repairs what the killed ones left", unrest.words, done, seen)
    runs = len(here.runs())
    say("watching that nothing runs again")
    time.sleep(QUIET_S)
    more = len(here.runs()) - runs
    yield Outcome(
        "nothing runs again once all is current",
        f"{QUIET_S} s of ticks after {runs} runs",
        not more,
        f"{more} more runs",
    )
    held = not reader.wrong and reader.reads > 0
    yield Outcome(
        "no reader sees an error or half a day", f"{reader.reads} reads meanwhile", held, "; ".join(reader.wrong[:3])
    )


@dataclass
class Unrest:
    """What is done to one installation, and how often."""

    here: OwnInstallation
    say: Say
    random: random.Random = field(default_factory=lambda: random.Random(11))
    done: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    orphans: list[Group] = field(default_factory=list)
    energy: list[pl.DataFrame] = field(default_factory=list)
    """Days of tanks and batteries that have not landed yet."""

    def __post_init__(self) -> None:
        write_energy_reference(self.here.installation.settings.reference, DAYS[0])
        rows = energy_rows(DAYS[0], len(DAYS))
        days = rows.with_columns(day=pl.col("recorded_at").dt.date())
        self.energy = days.partition_by("day", maintain_order=True, include_key=False)
        self.random.shuffle(self.energy)
        self.land()
        self.daemon = self.here.start_daemon()

    @property
    def words(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()))

    def go_on_for(self, seconds: float) -> None:
        """Disturb, with rows landing all the time; ends with a daemon that nobody disturbs."""
        end = time.monotonic() + seconds
        self.wait(25)
        while time.monotonic() < end:
            self.random.choice(
                [
                    self.kill_all,
                    self.kill_daemon,
                    self.kill_runs,
                    self.kill_runs,
                    self.pause,
                    self.build,
                    self.same_day_twice,
                ]
            )()
            self.wait(self.random.uniform(2, 20))
            self.say(self.words)
        for orphan in self.orphans:
            orphan.kill()
        self.kill_all()

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.land()
            time.sleep(2)

    def land(self) -> None:
        """A batch for one day, in no order of days."""
        self.batches += 1
        if self.energy and self.batches % ENERGY_EVERY == 0:
            self.here.land(self.energy.pop(), f"batch-{self.batches}")
            return
        day = self.random.choice(DAYS)
        self.here.land(
            small_day(day, hour=self.batches % 23, vehicle_id=f"van-{self.batches // 23}"), f"batch-{self.batches}"
        )

    def kill_all(self) -> None:
        """The daemon with its sensors and runs, as a power cut does."""
        self.done["kills of the daemon with its runs"] += 1
        self.daemon.kill()
        self.daemon = self.here.start_daemon()

    def kill_daemon(self) -> None:
        """The daemon alone; its runs go on."""
        self.done["kills of the daemon alone"] += 1
        self.daemon.kill_alone()
        self.orphans.append(self.daemon)
        self.daemon = self.here.start_daemon()

    def kill_runs(self) -> None:
        workers: list[int] = []

        def has_found_some() -> bool:
            workers[:] = self.daemon.workers()
            return bool(workers)

        wait_until(has_found_some, 15, every=0.2)
        time.sleep(self.random.uniform(0, 6))
        self.done["kills of runs"] += len(workers)
        self.daemon.send(signal.SIGKILL, workers)

    def pause(self) -> None:
        self.done["pauses of the daemon"] += 1
        pids = self.daemon.pids()
        self.daemon.send(signal.SIGSTOP, pids)
        self.wait(self.random.uniform(*PAUSE_S))
        self.daemon.send(signal.SIGCONT, pids)

    def build(self) -> None:
        """A build beside the daemon; killed after a while if it still works."""
        self.done["builds beside the daemon, killed"] += 1
        build = self.here.start_build()
        self.wait(self.random.uniform(3, 15))
        build.kill()

    def same_day_twice(self) -> None:
        """The same day launched twice at once, beside whatever the daemon does."""
        self.done["pairs of runs on one day"] += 1
        self.orphans += [self.here.start_run("raw_telemetry,telemetry", DAYS[0]) for _ in range(2)]
