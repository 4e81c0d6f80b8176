"""The live state under many writers: a late value never wins, value and time never tear, plain keys run out.

Belongs here: that trial. Does not belong here: the other steps from bus to partition (exactly_once).
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from fleet_assets.adapters.live_state import SENSOR_TTL_MS, LiveState
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.contracts import TIMESTAMP
from fleet_assets_tests.proofs.outcome import Outcome, Strength

_WRITERS = 4
_SIGNALS = ("speed_kmh", "rpm", "soc_pct")


def live_state_holds(strength: Strength) -> Outcome:
    """Writers race with shuffled observations; a reader looks on."""
    rounds = 100 if strength is Strength.QUICK else 2_000
    with tempfile.TemporaryDirectory(prefix="fleet-live-") as folder:
        server = PrivateServer(Path(folder)).start()
        began = datetime.now(UTC)
        writers = [
            threading.Thread(target=_write, args=(server, random.Random(seed), rounds, began))
            for seed in range(_WRITERS)
        ]
        seen = _Seen(server)
        for thread in (seen.thread, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        seen.stop.set()
        seen.thread.join()
        newest = {signal: value.value for signal, value in LiveState(server.client()).read("v").items()}
        left = _left_to_a_new_value(server)
        server.close()
    expected = dict.fromkeys(_SIGNALS, str(rounds - 1))
    held = newest == expected and not seen.torn and not seen.back and 0 < left <= SENSOR_TTL_MS
    return Outcome(
        "live state: a late value never replaces a newer one, value and time never tear, plain keys live 10 s",
        f"{_WRITERS} writers, {_WRITERS * rounds * len(_SIGNALS):,} values in random order, {seen.looks:,} looks",
        held,
        f"{seen.torn} torn, {seen.back} back in time, {left} ms left to a new sensor:load",
    )


def _left_to_a_new_value(server: PrivateServer) -> int:
    """Milliseconds that a plain key has left when its value was just observed."""
    now = datetime.now(UTC)
    row = {"vehicle_id": ["v"], "signal": ["load"], "value": ["1"], "observed_at": [now]}
    LiveState(server.client()).write(pl.DataFrame(row).with_columns(pl.col("observed_at").cast(TIMESTAMP)), now)
    return int(str(server.client().pttl("sensor:load")))


class _Seen:
    """A reader: each value must be the one of its time, and no time may go back."""

    def __init__(self, server: PrivateServer) -> None:
        self.stop, self.looks, self.torn, self.back = threading.Event(), 0, 0, 0
        self._live = LiveState(server.client())
        self.thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        last: dict[str, datetime] = {}
        while not self.stop.is_set():
            for signal, value in self._live.read("v").items():
                self.looks += 1
                self.torn += value.observed_at.microsecond // 100 != int(value.value)
                self.back += value.observed_at < last.get(signal, value.observed_at)
                last[signal] = value.observed_at
            time.sleep(0)


def _write(server: PrivateServer, dice: random.Random, rounds: int, began: datetime) -> None:
    live = LiveState(server.client())
    second = began.replace(microsecond=0)
    numbers = list(range(rounds))
    dice.shuffle(numbers)
    for number in numbers:
        # The value is written into the time: a hundred microseconds each, all within the present second.
        rows = {
            "vehicle_id": ["v"] * len(_SIGNALS),
            "signal": list(_SIGNALS),
            "value": [str(number)] * len(_SIGNALS),
            "observed_at": [second + timedelta(microseconds=100 * number)] * len(_SIGNALS),
        }
        live.write(pl.DataFrame(rows).with_columns(pl.col("observed_at").cast(TIMESTAMP)), began)
