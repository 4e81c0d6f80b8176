"""Payloads of at most eight bytes become a column from their words, and arrive as they were sent."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.adapters.frame_batch import FrameBatch, FramesOfBuses, column_of_words
from fleet_assets.adapters.reading_wire import rows_of, rows_to_parts

FRAMES = st.lists(st.tuples(st.binary(max_size=8), st.binary(min_size=8, max_size=8)), max_size=40)
"""Payloads, and what stands behind them in the record."""


def words_of(frames: list[tuple[bytes, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    block = b"".join((payload + behind)[:8] for payload, behind in frames)
    return np.frombuffer(block, dtype="<u8"), np.array([len(payload) for payload, _ in frames], dtype=np.uint8)


@given(frames=FRAMES)
def test_a_column_of_words_holds_the_first_bytes_of_each(frames: list[tuple[bytes, bytes]]) -> None:
    column = column_of_words(*words_of(frames))
    assert column.dtype == pl.Binary
    assert column.to_list() == [payload for payload, _ in frames]


def test_more_words_than_one_block_are_all_there() -> None:
    words = np.arange(20_000, dtype=np.uint64)
    column = column_of_words(words, np.full(20_000, 8, dtype=np.uint8))
    assert b"".join(column.to_list()) == words.tobytes()


@given(frames=FRAMES.filter(bool), are_words=st.booleans(), buses=st.integers(1, 2))
def test_frames_arrive_as_they_were_sent(frames: list[tuple[bytes, bytes]], are_words: bool, buses: int) -> None:
    words, length = words_of(frames)
    count = len(frames)
    batch = FrameBatch(
        ts_us=np.arange(count), arbitration_id=np.arange(count, dtype=np.uint32), flags=np.zeros(count, dtype=np.uint8),
        dlc=length, length=length, payload=b"" if are_words else b"".join(payload for payload, _ in frames),
    )  # fmt: skip
    names, installation = ("CAN1", "CAN2")[:buses], np.arange(count, dtype=np.uint8) % buses
    sent = FramesOfBuses(batch, names, installation, words if are_words else None)
    kind, parts = rows_to_parts(sent)
    arrived = rows_of(kind, memoryview(b"".join(parts)))
    assert_frame_equal(arrived, sent.table())
    assert arrived["data"].to_list() == [payload for payload, _ in frames]
    assert arrived["bus"].to_list() == [names[place] for place in installation.tolist()]
