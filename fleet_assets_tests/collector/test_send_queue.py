"""What waits while Redis is away: in order, on the disk, in memory on a full one; the oldest goes, counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fleet_assets.adapters.gap_ledger import Gap
from fleet_assets.adapters.spool import Spool
from fleet_assets.adapters.stream_notices import Ended, Notice, Numbers
from fleet_assets.adapters.stream_producer import NumberedBatch
from fleet_assets.collector.send_queue import Item, SendQueue, SendQueueRules
from fleet_assets_tests.fixtures.can_frames import START, batch
from fleet_assets_tests.fixtures.small_disk import fill

ENDED = Notice(ended=Ended("p", 7))


def part(number: int, producer: str = "p") -> NumberedBatch:
    """Frames 100 * number to 100 * number + 99; 2.5 kB."""
    return NumberedBatch(producer, 100 * number, batch(100 * number, 100))


def taken(line: SendQueue) -> list[Item]:
    items = []
    while (item := line.first()) is not None:
        items.append(item)
        line.forget_first()
    return items


def firsts(items: list[Item]) -> list[object]:
    return [item.first if isinstance(item, NumberedBatch) else item for item in items]


def shed(first: int, stop: int, why: str, producer: str = "p") -> Notice:
    """The statement about the parts `first` to `stop - 1`."""
    began, ended = (START + timedelta(milliseconds=at) for at in (100 * first, 100 * stop - 1))
    detail = f"Redis was away and {why}"
    gap = Gap("can", began, ended, "spool_full", detail, "v1", "can0", 100 * (stop - first))
    return Notice(gap, Numbers(producer, 100 * first, 100 * stop))


def test_items_come_out_in_order_and_statements_among_them(tmp_path: Path) -> None:
    line = SendQueue(Spool(tmp_path), SendQueueRules())
    for item in (part(0), ENDED, part(1)):
        line.append(item)
    assert (line.is_empty(), line.is_safe) == (False, True)
    assert firsts(taken(line)) == [0, ENDED, 100]
    assert line.is_empty()


def test_beyond_its_room_the_oldest_go_and_what_went_is_said_first(tmp_path: Path) -> None:
    line = SendQueue(Spool(tmp_path, segment_bytes=3_000), SendQueueRules(disk_bytes=12_000))
    for number in range(10):
        line.append(part(number))
    why = "the spool holds the 12,000 bytes that it may"
    items = taken(line)
    kept = firsts(items[1:])
    assert kept == [100 * number for number in range(10 - len(kept), 10)]
    assert 2 <= len(kept) <= 4
    assert items[0] == shed(0, 10 - len(kept), why)
    assert line.shed_frames == 100 * (10 - len(kept))


def test_a_statement_is_never_given_up(tmp_path: Path) -> None:
    line = SendQueue(Spool(tmp_path, segment_bytes=3_000), SendQueueRules(disk_bytes=12_000))
    line.append(ENDED)
    for number in range(10):
        line.append(part(number))
    assert taken(line)[0] == ENDED


def test_what_was_given_up_is_said_by_the_next_process_too(tmp_path: Path) -> None:
    line = SendQueue(Spool(tmp_path, segment_bytes=3_000), SendQueueRules(disk_bytes=12_000))
    for number in range(10):
        line.append(part(number))
    said = line.first()
    assert SendQueue(Spool(tmp_path), SendQueueRules()).first() == said
    line.forget_first()
    assert isinstance(SendQueue(Spool(tmp_path), SendQueueRules()).first(), NumberedBatch)


def test_a_statement_that_may_have_been_heard_does_not_grow(tmp_path: Path) -> None:
    line = SendQueue(Spool(tmp_path, segment_bytes=3_000), SendQueueRules(disk_bytes=12_000))
    for number in range(8):
        line.append(part(number))
    heard = line.first()
    for number in range(8, 12):
        line.append(part(number))
    items = taken(line)
    assert items[0] == heard
    first, second = items[0], items[1]
    assert isinstance(first, Notice)
    assert isinstance(second, Notice)
    assert first.numbers is not None
    assert second.numbers is not None
    assert first.numbers.stop == second.numbers.first


def test_on_a_full_disk_the_newest_wait_in_memory_and_move_when_there_is_room(disk: Path) -> None:
    line = SendQueue(Spool(disk), SendQueueRules())
    line.append(part(0))
    ballast = fill(disk)
    for number in range(1, 20):
        line.append(part(number))
    safe_when_full = line.is_safe
    ballast.unlink()
    line.append(part(20))
    assert (safe_when_full, line.is_safe) == (False, True)
    assert firsts(taken(SendQueue(Spool(disk), SendQueueRules()))) == [100 * number for number in range(21)]


def test_when_the_memory_is_full_too_the_oldest_go_from_the_disk_first(disk: Path) -> None:
    line = SendQueue(Spool(disk), SendQueueRules(memory_bytes=10_000))
    for number in range(3):
        line.append(part(number))
    fill(disk)
    for number in range(3, 30):
        line.append(part(number))
    items = taken(line)
    kept = firsts(items[1:])
    assert items[0] == shed(0, 30 - len(kept), "the disk is full")
    assert kept == [100 * number for number in range(30 - len(kept), 30)]
    assert len(kept) >= 3


def test_with_a_disk_that_never_had_room_the_oldest_in_memory_go(disk: Path) -> None:
    spool = Spool(disk)
    fill(disk)
    line = SendQueue(spool, SendQueueRules(memory_bytes=10_000))
    for number in range(10):
        line.append(part(number))
    items = taken(line)
    kept = firsts(items[1:])
    assert kept == [100 * number for number in range(10 - len(kept), 10)]
    assert items[0] == shed(0, 10 - len(kept), "the disk is full")
