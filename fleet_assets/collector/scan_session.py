"""One run of the scanner from its options to its summary: spool, sender and source put together and taken apart.

Does not belong here: options as typed (cli), the loops (scanner), sending (sender).
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from fleet_assets.adapters.durable_file import make_folder
from fleet_assets.adapters.gap_ledger import Gap
from fleet_assets.adapters.redis_server import connect
from fleet_assets.adapters.scan_heartbeat import Reached, ScanHeartbeat
from fleet_assets.adapters.spool import SEGMENT_BYTES, Spool
from fleet_assets.adapters.stream_key import require_stream
from fleet_assets.adapters.stream_notices import Ended, Notice
from fleet_assets.adapters.unix_time import instant
from fleet_assets.collector.bus import BusOptions, open_bus
from fleet_assets.collector.scanner import BusName, Replay, ScanRules, replay_logs, scan_bus
from fleet_assets.collector.send_queue import SendQueueRules
from fleet_assets.collector.sender import Sender, SenderRules
from fleet_assets.contracts.errors import ServiceError, UsageError
from fleet_assets.settings import Settings
from fleet_assets.sources.can_frames import CAN

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 5.0
"""A Redis that does not answer for so long is away: what is read meanwhile fits into the sender's queue (13 s)."""


@dataclass(frozen=True)
class ScanReport:
    """Frames read, frames that Redis has, frames that had to wait first, and frames given up for want of room."""

    read: int
    sent: int
    spooled: int
    shed: int = 0


@dataclass(frozen=True)
class ScanSession:
    """What both kinds of scan share."""

    settings: Settings
    stop: threading.Event
    is_packed: bool = True
    """False writes one stream entry a frame, for other readers."""
    spool_bytes: int = SendQueueRules.disk_bytes
    """What may wait on the disk while Redis is away; beyond, the oldest goes."""

    def scan(self, options: BusOptions, name: BusName, *, needs_redis: bool) -> ScanReport:
        """Read a bus until stopped; with `needs_redis` a Redis that is away at the start is an error."""
        if needs_redis:
            require_stream(connect(self.settings))

        def loop(sender: Sender, before: Reached | None) -> int:
            bus = open_bus(options)
            opened_us = time.time_ns() // 1_000
            if before is None:
                sender.quiet(opened_us)
            else:
                sender.put(nobody_read(name, before, opened_us))
            log.info("scan_started", interface=options.interface, vehicle=name.vehicle, bus=name.bus)
            return scan_bus(bus, name, sender, ScanRules(), self.stop)

        rules = SenderRules(is_packed=self.is_packed, wait=SendQueueRules(self.spool_bytes))
        return self._run(f"{name.vehicle}-{name.bus}", rules, loop)

    def replay(self, replay: Replay) -> ScanReport:
        """Send log files; waits for Redis and for the worker instead of spooling."""
        require_stream(connect(self.settings))
        log.info("replay_started", files=len(replay.paths), speed=replay.speed)
        rules = SenderRules(is_packed=self.is_packed, is_patient=True)
        return self._run("replay", rules, lambda sender, _: replay_logs(replay, sender, ScanRules(), self.stop))

    def _run(self, name: str, rules: SenderRules, loop: Callable[[Sender, Reached | None], int]) -> ScanReport:
        folder = self.settings.root / "spool" / re.sub(r"[^\w.-]", "_", name)
        with _own_spool(folder, min(SEGMENT_BYTES, rules.wait.disk_bytes // 8)) as spool:
            heartbeat = None if rules.is_patient else ScanHeartbeat(folder)
            before = heartbeat.read() if heartbeat else None
            sender = Sender(lambda: connect(self.settings, ANSWER_SECONDS), spool, rules, self.stop, heartbeat)
            stopped_us = None
            try:
                count = loop(sender, before)
                stopped_us = time.time_ns() // 1_000
            finally:
                sender.close(stopped_us)
            report = ScanReport(count, sender.sent_frames, sender.spooled_frames, sender.shed_frames)
            log.info("scan_stopped", read=report.read, sent=report.sent, spooled=report.spooled, shed=report.shed,
                     still_spooled=not spool.is_empty())  # fmt: skip
            return report


def nobody_read(name: BusName, before: Reached, opened_us: int) -> Notice:
    """What the last scanner of this bus left open: it ended, and from its last safe frame on nobody read the bus.

    `opened_us` is when the bus was opened again, in unix microseconds.
    """
    why = "was stopped" if before.is_stopped else "was killed, or its machine was"
    gap = Gap(
        source=CAN.name,
        started_at=instant(min(before.safe_us, opened_us)),
        ended_at=instant(opened_us),
        reason="scanner_stopped" if before.is_stopped else "scanner_down",
        detail=f"the scanner {why}; frames between its last safe one and the next start were read by nobody",
        vehicle_id=name.vehicle,
        bus=name.bus,
    )
    return Notice(gap, ended=Ended(before.producer, before.next_number, before.safe_us))


@contextmanager
def _own_spool(folder: Path, segment_bytes: int) -> Iterator[Spool]:
    """The spool, locked against a second scanner of the same vehicle and bus."""
    make_folder(folder)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(f"another scanner already works for {folder.name}: its spool {folder} is in use") from None
    spool = _opened(folder, segment_bytes)
    try:
        yield spool
    finally:
        spool.close()
        os.close(handle)


def _opened(folder: Path, segment_bytes: int) -> Spool:
    try:
        return Spool(folder, segment_bytes)
    except (OSError, ValueError) as error:
        raise ServiceError(f"the spool {folder} cannot be used: {error}") from error
