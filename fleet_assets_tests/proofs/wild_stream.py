"""Proof: one wrong entry of the stream never stops a worker, and no entry vanishes.

What is claimed. Whatever stands in any field of an entry, it is landed or in the quarantine alone, with its reason;
statements that are none likewise. The sound frames between them are all landed, once.

What is tried. Entries whose fields were lost, exchanged for numbers beyond every bound, for bytes that are no text, for
arrays with anything in them, sent to a real server and read by a real worker with its live state.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import redis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fleet_assets.adapters.can_stream import STREAM, pack
from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.worker import Worker, WorkRules
from fleet_assets_tests.fixtures.can_frames import START, batch
from fleet_assets_tests.fixtures.redis import append
from fleet_assets_tests.fixtures.wild_entries import Fields, wild_entries
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength

TITLE = "One wrong entry of the stream stops nobody"

ENTRIES = {Strength.QUICK: 400, Strength.FULL: 10_000}
TOGETHER = 50
"""Entries in the stream at a time, with a sound one behind them."""

RULES = WorkRules(flush_seconds=0.01, block_seconds=0.01, retry_seconds=0.05, default_vehicle="unnamed")
SOUND = "sound"


def prove(strength: Strength, say: Say) -> Iterator[Outcome]:
    """Send, work, count."""
    with tempfile.TemporaryDirectory(prefix="fleet-wild-") as folder:
        server = PrivateServer(Path(folder) / "redis").start()
        try:
            trial = Trial(server.client(), Path(folder))
            trial.run(ENTRIES[strength] // TOGETHER, say)
        finally:
            server.close()
        yield Outcome(
            "every entry is landed or set aside, and the worker goes on",
            f"{trial.sent:,} entries with anything in any field",
            trial.unaccounted == 0 and trial.sent >= ENTRIES[strength],
            f"{trial.aside:,} set aside, {trial.sent - trial.aside:,} taken, {trial.unaccounted} unaccounted for",
        )
        noted = sum(note.count for note in Quarantine(Path(folder) / "aside").notes() if note.reason == "wrong-entry")
        yield Outcome(
            "what was set aside is in the quarantine",
            f"{trial.aside:,} entries",
            noted == trial.aside,
            f"{noted:,} found",
        )
        sound = landed_sound(Path(folder))
        yield Outcome(
            "the sound frames between them are all landed, once",
            f"{trial.rounds:,} frames",
            sound == list(range(trial.rounds)),
            f"{len(sound):,} landed",
        )


class Trial:
    """Rounds of wild entries, each worked off by a worker of its own before the next."""

    def __init__(self, client: redis.Redis, folder: Path) -> None:
        self.client, self.folder = client, folder
        self.rounds = self.sent = self.aside = self.unaccounted = 0

    def run(self, rounds: int, say: Say) -> None:
        @seed(20_260_301)
        @settings(max_examples=rounds, phases=[Phase.generate], database=None, deadline=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(st.lists(wild_entries, min_size=TOGETHER, max_size=TOGETHER))
        def one_round(entries: list[Fields]) -> None:
            say(f"{self.sent:,} entries sent")
            self.one(entries)

        one_round()

    def one(self, entries: list[Fields]) -> None:
        """Send some entries and a sound one, work until nothing is left, and count."""
        for fields in entries:
            append(self.client, fields)
        append(self.client, pack(batch(self.rounds, 1, vehicle=SOUND)))
        self.rounds += 1
        now = START + timedelta(days=1)
        landing, aside = Landing(self.folder / "landing"), Quarantine(self.folder / "aside")
        intake = Intake(landing, aside, date(2000, 1, 1), lambda: now)
        worker = Worker(lambda: self.client, intake, RULES, threading.Event(), lambda frames: frames.clear())
        report = worker.run(until_empty=True)
        self.sent += len(entries)
        self.aside += report.wrong_entries
        self.unaccounted += len(entries) + 1 - report.entries + int(self.client.xlen(STREAM))


def landed_sound(folder: Path) -> list[int]:
    landing = Landing(folder / "landing")
    frames = pl.concat([landing.scan("can", day).collect() for day in landing.days("can")])
    data = frames.filter(vehicle_id=SOUND).get_column("data")
    return sorted(int.from_bytes(value, "big") for value in data)
