"""Frames that were lost between scanner and landing zone: found by their numbers, noted in the gap ledger.

Belongs here: when a missing number is a proven loss, and the words of its gap. Does not belong here: keeping numbers
(adapters/sink_progress), looking at the stream (adapters/stream_group).

A number that is missing may still be under way: in the stream, with another worker, or waiting for Redis at its
scanner. It is lost when none of that can be. Scanners send in order and Redis keeps the next number of each, so once
that is past the hole (or the numbering ended) the frames are in the stream as it is now, or lost. The newest entry of
that moment is the barrier: when everything up to it has landed and the hole is still there, and the server was not
restarted meanwhile (it could have come back with less), they are lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import structlog

from fleet_assets.adapters.can_stream import received_us
from fleet_assets.adapters.durable_file import is_full
from fleet_assets.adapters.gap_ledger import Gap
from fleet_assets.adapters.sink_progress import EXPLAINED, Hole, SinkProgress
from fleet_assets.adapters.stream_group import Outlook, StreamGroup, is_before
from fleet_assets.adapters.stream_producer import LOG
from fleet_assets.adapters.unix_time import instant
from fleet_assets.collector.landing_writer import SOURCE, LandingWriter

log = structlog.get_logger(__name__)


class Losses:
    """Looks for losses on behalf of one worker."""

    def __init__(self, landing_writer: LandingWriter, progress: SinkProgress) -> None:
        self._landing_writer, self._progress = landing_writer, progress
        self._known_removal = b"0-0"
        self._owed: list[Gap] = []

    def look(self, group: StreamGroup) -> None:
        """Note what is proven lost by its numbers. Raises what Redis and the disk raise."""
        self._pay()
        holes = [hole for hole in self._progress.holes() if self._counts(hole)]
        if not holes:
            return
        outlook = group.outlook(sorted({hole.numbers.producer for hole in holes}))
        with self._progress.exclusively():
            # Again, within the lock: another worker may have noted or landed them since.
            now = {hole.numbers: hole for hole in self._progress.holes() if self._counts(hole)}
            lost = [
                now[hole.numbers] for hole in holes if hole.numbers in now and self._is_lost(now[hole.numbers], outlook)
            ]
            self._landing_writer.note_gaps([_gap(hole) for hole in lost])
            self._progress.add(_rows(lost), EXPLAINED)

    def removed_before_landing(self, ids: Sequence[bytes]) -> None:
        """Note entries that were handed out and then removed from the stream, by others, before they had landed."""
        if not ids:
            return
        instants = sorted(received_us(stream_id) for stream_id in ids)
        log.error("entries_lost", entries=len(ids), meaning="removed from the stream before they had landed")
        self._owed.append(_removal(instants[0], instants[-1], f"{len(ids)} entries were removed"))
        self._pay()

    def look_for_removal(self, group: StreamGroup) -> None:
        """Note entries that someone removed before they were read; to be called before each read, which hides it."""
        removed = group.outlook([]).removed
        if removed is None or not is_before(self._known_removal, removed.until):
            return
        count = "" if removed.entries is None else f"{removed.entries} "
        words = f"{count}entries after {removed.given.decode()} until {removed.until.decode()} were trimmed"
        self._owed.append(_removal(received_us(removed.given), received_us(removed.until), words))
        log.error("entries_lost", entries=removed.entries, after=removed.given.decode(), until=removed.until.decode(),
                  meaning="trimmed from the stream before any worker read them")  # fmt: skip
        self._known_removal = removed.until
        self._pay()

    def _pay(self) -> None:
        """Note what was seen once and cannot be seen again; on a full disk with the next look."""
        try:
            self._landing_writer.note_gaps(self._owed)
            self._owed = []
        except OSError as error:
            if not is_full(error):
                raise

    def _counts(self, hole: Hole) -> bool:
        """Numbers from before this sink existed are another landing zone's."""
        began = hole.numbers.producer.partition("-")[0]
        is_first = hole.numbers.first == 0 and began.isdigit()
        return not is_first or int(began) * 1_000 >= self._progress.made_us

    def _is_lost(self, hole: Hole, outlook: Outlook) -> bool:
        """Whether the hole is proven; else the barrier is set, if it can be."""
        numbers = hole.numbers
        if not hole.is_tail and outlook.noted.get(numbers.producer, 0) < numbers.stop:
            return False
        barrier = self._progress.barrier(hole)
        if barrier is None or barrier[0] != outlook.server:
            self._progress.set_barrier(hole, outlook.server, outlook.newest.decode())
            barrier = (outlook.server, outlook.newest.decode())
        return outlook.open_from is None or is_before(barrier[1].encode(), outlook.open_from)


def _gap(hole: Hole) -> Gap:
    numbers = hole.numbers
    before, after = hole.before_us, hole.after_us
    started = next(us for us in (before, _began_us(numbers.producer), after, 0) if us is not None)
    ended = started if after is None else after
    return Gap(
        source=SOURCE,
        # Not turned round where clocks disagree: the later word is the nearer one.
        started_at=instant(min(started, ended)),
        ended_at=instant(ended),
        reason="lost_in_stream",
        detail=f"frames {numbers.first} to {numbers.stop - 1} of {numbers.producer} never came out of the stream: "
        "Redis lost them, someone trimmed them, or the scanner was killed while its disk was full",
        vehicle_id=hole.vehicle,
        bus=hole.bus,
        missing_count=numbers.stop - numbers.first,
    )


def _removal(first_us: int, last_us: int, words: str) -> Gap:
    detail = f"{words} before they were acknowledged; those of our own scanners stand in gaps with their numbers"
    return Gap(SOURCE, instant(first_us), instant(last_us), "trimmed_before_read", detail)


def _began_us(producer: str) -> int | None:
    """When a numbering began: the start of a scanner, the first frame of a log; None for another name."""
    kind, _, rest = producer.partition("-")
    if kind == LOG:
        began = rest.partition("-")[0]
        return int(began) if began.isdigit() else None
    return int(kind) * 1_000 if kind.isdigit() else None


def _rows(holes: Sequence[Hole]) -> pl.DataFrame:
    """Holes as rows of entry_numbers.runs."""
    return pl.DataFrame(
        [
            {
                "producer": hole.numbers.producer, "first": hole.numbers.first, "stop": hole.numbers.stop,
                "vehicle": hole.vehicle, "bus": hole.bus, "first_us": hole.before_us, "last_us": hole.after_us,
            }
            for hole in holes
        ]
    )  # fmt: skip
