"""One run of the scanner from its options to its summary: spool, sender and source put together and taken apart.

Belongs here: that wiring. Does not belong here: options as typed (cli), the loops (scanner), sending (sender).
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from fleet_assets.adapters.durable_file import make_folder
from fleet_assets.adapters.redis_server import connect
from fleet_assets.adapters.spool import Spool
from fleet_assets.collector.bus import BusOptions, open_bus
from fleet_assets.collector.scanner import BusName, Replay, ScanRules, replay_logs, scan_bus
from fleet_assets.collector.sender import Sender, SenderRules
from fleet_assets.contracts.errors import ServiceError, UsageError
from fleet_assets.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ScanReport:
    """Frames read, frames that Redis has, frames that went to the disk spool first."""

    read: int
    sent: int
    spooled: int


@dataclass(frozen=True)
class ScanSession:
    """What both kinds of scan share."""

    settings: Settings
    stop: threading.Event
    is_packed: bool = True
    """False writes one stream entry a frame, for other readers."""

    def scan(self, options: BusOptions, name: BusName, *, needs_redis: bool) -> ScanReport:
        """Read a bus until stopped; with `needs_redis` a Redis that is away at the start is an error."""
        if needs_redis:
            connect(self.settings)

        def loop(sender: Sender) -> int:
            bus = open_bus(options)
            log.info("scan_started", interface=options.interface, vehicle=name.vehicle, bus=name.bus)
            return scan_bus(bus, name, sender, ScanRules(), self.stop)

        return self._run(f"{name.vehicle}-{name.bus}", SenderRules(is_packed=self.is_packed), loop)

    def replay(self, replay: Replay) -> ScanReport:
        """Send log files; waits for Redis and for the worker instead of spooling."""
        connect(self.settings)
        log.info("replay_started", files=len(replay.paths), speed=replay.speed)
        rules = SenderRules(is_packed=self.is_packed, is_patient=True)
        return self._run("replay", rules, lambda s: replay_logs(replay, s, ScanRules(), self.stop))

    def _run(self, name: str, rules: SenderRules, loop: Callable[[Sender], int]) -> ScanReport:
        with _own_spool(self.settings.root / "spool" / re.sub(r"[^\w.-]", "_", name)) as spool:
            sender = Sender(lambda: connect(self.settings), spool, rules, self.stop)
            try:
                count = loop(sender)
            finally:
                sender.close()
            report = ScanReport(count, sender.sent_frames, sender.spooled_frames)
            log.info("scan_stopped", read=report.read, sent=report.sent, spooled=report.spooled,
                     still_spooled=not spool.is_empty())  # fmt: skip
            return report


@contextmanager
def _own_spool(folder: Path) -> Iterator[Spool]:
    """The spool, locked against a second scanner of the same vehicle and bus."""
    make_folder(folder)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(f"another scanner already works for {folder.name}: its spool {folder} is in use") from None
    spool = _opened(folder)
    try:
        yield spool
    finally:
        spool.close()
        os.close(handle)


def _opened(folder: Path) -> Spool:
    try:
        return Spool(folder)
    except (OSError, ValueError) as error:
        raise ServiceError(f"the spool {folder} cannot be used: {error}") from error
