"""Spool: first in first out, over restarts and cut writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.spool import Spool


def drained(spool: Spool) -> list[bytes]:
    records = []
    while (record := spool.first()) is not None:
        records.append(record)
        spool.forget_first()
    return records


def test_records_come_out_in_order_and_are_then_gone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(5):
        spool.append(b"%d" % number)
    assert not spool.is_empty()
    assert drained(spool) == [b"0", b"1", b"2", b"3", b"4"]
    assert spool.is_empty()
    spool.append(b"5")
    assert drained(spool) == [b"5"]


def test_a_new_process_goes_on_where_the_last_stopped(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    for number in range(4):
        first.append(b"%d" % number)
    first.first()
    first.forget_first()
    first.close()
    second = Spool(tmp_path)
    second.append(b"4")
    assert drained(second) == [b"1", b"2", b"3", b"4"]


def test_segments_are_removed_when_they_were_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=100)
    for number in range(20):
        spool.append(b"%040d" % number)
    assert len(list(tmp_path.glob("*.spool"))) > 3
    assert [int(record) for record in drained(spool)] == list(range(20))
    assert len(list(tmp_path.glob("*.spool"))) == 1


@pytest.mark.parametrize("lost", [1, 5, 11, 13])
def test_a_record_cut_by_a_power_failure_is_passed_over_and_counted(tmp_path: Path, lost: int) -> None:
    first = Spool(tmp_path)
    first.append(b"whole")
    first.append(b"cut")
    first.close()
    segment = next(tmp_path.glob("*.spool"))
    segment.write_bytes(segment.read_bytes()[:-lost])
    second = Spool(tmp_path)
    second.append(b"later")
    assert drained(second) == [b"whole", b"later"]
    assert second.damaged_bytes == 12 + 3 - lost


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.append(b"abcdef")
    first.close()
    segment = next(tmp_path.glob("*.spool"))
    segment.write_bytes(segment.read_bytes().replace(b"c", b"C"))
    assert Spool(tmp_path).first() is None


def test_an_emptied_spool_that_is_opened_again_keeps_its_first_record(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.append(b"sent")
    assert drained(first) == [b"sent"]
    first.close()
    assert drained(Spool(tmp_path)) == []
    last = Spool(tmp_path)
    last.append(b"kept")
    last.close()
    assert Spool(tmp_path).first() == b"kept"


@given(st.lists(st.one_of(st.binary(max_size=40), st.just("take"), st.just("restart")), max_size=30))
@settings(max_examples=30)
def test_any_sequence_of_writes_reads_and_restarts_is_a_queue(
    tmp_path_factory: pytest.TempPathFactory, steps: list[object]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool, model = Spool(folder), []
    for step in steps:
        if isinstance(step, bytes):
            spool.append(step)
            model.append(step)
        elif step == "take":
            assert spool.first() == (model[0] if model else None)
            spool.forget_first()
            model = model[1:]
        else:
            spool.close()
            spool = Spool(folder)
    assert drained(spool) == model
