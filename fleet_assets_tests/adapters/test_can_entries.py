"""Wire format: both forms give back every frame exactly, wrong entries are set aside alone."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.adapters.can_entries import decode_entries, entries_as_rows
from fleet_assets.adapters.can_stream import Batch, Entry, pack, padded_id, single_entries
from fleet_assets.adapters.frame_batch import FrameBatch
from fleet_assets.contracts import RAW_CAN, check_frame

START = 1_700_000_000_000_000
frame_fields = st.tuples(
    st.integers(0, 2**52), st.integers(0, 0x1FFF_FFFF), st.integers(0, 15), st.integers(0, 64), st.binary(max_size=64)
)


def batch(*frames: tuple[int, int, int, int, bytes]) -> Batch:
    ts_us, ids, flags, dlc, data = zip(*frames, strict=True) if frames else ((), (), (), (), ())
    return Batch(
        "truck-1", "can1", START + 1_234_567,
        FrameBatch(
            np.array(ts_us, np.int64), np.array(ids, np.uint32), np.array(flags, np.uint8), np.array(dlc, np.uint8),
            np.array([len(item) for item in data], np.uint8), b"".join(data),
        ),
    )  # fmt: skip


def single(of: Batch, first_id: int = 1) -> list[Entry]:
    entries: list[Entry] = []
    for number, flat in enumerate(single_entries(of), first_id):
        fields = {name.encode(): value.encode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
        entries.append((f"1700000001234-{number}".encode(), fields))
    return entries


def legacy(**fields: str) -> Entry:
    return b"1700000000500-3", {name.encode(): value.encode() for name, value in fields.items()}


@given(st.lists(frame_fields, min_size=1, max_size=20))
@settings(max_examples=50)
def test_both_forms_give_back_every_frame_exactly(frames: list[tuple[int, int, int, int, bytes]]) -> None:
    given_batch = batch(*frames)
    packed = decode_entries([(b"1700000001234-0", pack(given_batch))])
    one_by_one = decode_entries(single(given_batch))
    for decoded in (packed, one_by_one):
        rows = pl.concat([decoded.frames, decoded.remote]).sort("entry_id")
        assert decoded.rejected == []
        assert rows.get_column("recorded_at").to_physical().to_list() == [frame[0] for frame in frames]
        assert rows.get_column("arbitration_id").to_list() == [frame[1] for frame in frames]
        assert rows.get_column("is_extended").to_list() == [bool(frame[2] & 1) for frame in frames]
        assert rows.get_column("is_error").to_list() == [bool(frame[2] & 4) for frame in frames]
        assert rows.get_column("dlc").to_list() == [frame[3] for frame in frames]
        assert rows.get_column("data").to_list() == [frame[4] for frame in frames]
        assert decoded.remote.height == sum(bool(frame[2] & 8) for frame in frames)
        check_frame(RAW_CAN, rows)


def test_rows_of_a_packed_entry_carry_its_owner_and_ids_in_time_order() -> None:
    two = batch((START, 0x123, 0, 2, b"\x00\x00"), (START, 5, 3, 0, b""))
    decoded = decode_entries([(b"1700000001234-7", pack(two))])
    expected = pl.DataFrame(
        {
            "recorded_at": [datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)] * 2,
            "received_at": [datetime(2023, 11, 14, 22, 13, 21, 234567, tzinfo=UTC)] * 2,
            "vehicle_id": ["truck-1"] * 2,
            "bus": ["can1"] * 2,
            "arbitration_id": [0x123, 5],
            "is_extended": [False, True],
            "is_fd": [False, True],
            "is_error": [False, False],
            "dlc": [2, 0],
            "data": [b"\x00\x00", b""],
            "entry_id": ["1700000001234-000007-000000", "1700000001234-000007-000001"],
        },
        schema=RAW_CAN.schema,
    )
    assert_frame_equal(decoded.frames, expected)


def test_an_entry_of_another_writer_with_the_four_plain_fields_is_read() -> None:
    decoded = decode_entries([legacy(id="0x123", data="AA FF 04 10", ts="1700000000250", dlc="4")], "v1")
    assert decoded.frames.rows() == [
        (
            datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC),
            datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC),
            "v1", "can0", 0x123, False, False, False, 4, b"\xaa\xff\x04\x10", "1700000000500-000003",
        )
    ]  # fmt: skip


def test_an_id_of_29_bits_without_flags_is_extended() -> None:
    decoded = decode_entries([legacy(id="0x18FEF1FE", data="", ts="1700000000250")], "v1")
    assert decoded.frames.select("is_extended", "dlc", "data").rows() == [(True, 0, b"")]


def test_wrong_entries_are_set_aside_each_with_its_reason_and_the_others_are_kept() -> None:
    good = single(batch((START, 1, 0, 1, b"\x01")))
    packed = pack(batch((START, 1, 0, 1, b"\x01")))
    wrong = [
        legacy(id="xyz", data="00", ts="1", vehicle="v"),
        legacy(id="0xFFFFFFFF", data="00", ts="1", vehicle="v"),
        legacy(id="0x1", data="0G", ts="1", vehicle="v"),
        legacy(id="0x1", data="00", ts="soon", vehicle="v"),
        legacy(id="0x1", data="00", ts="1"),
        legacy(id="0x1", data="00" * 65, ts="1", vehicle="v"),
        legacy(id="0x1", data="00", ts="1", vehicle="v", flags="many"),
        (b"1-1", {}),
        (b"1-2", {b"id": b"\xff\xfe"}),
        (b"1-3", {**packed, b"version": b"9"}),
        (b"1-4", {**packed, b"packed": b"short"}),
        (b"1-5", {**packed, b"n": b"many"}),
        (b"1-6", {**packed, b"packed": packed[b"packed"] + b"more"}),
        (b"1-7", {**packed, b"vehicle": b""}),
        (b"1-8", {**packed, b"n": b"-1"}),
    ]
    decoded = decode_entries([*wrong[:7], *good, *wrong[7:]])
    assert decoded.frames.height == 1
    assert sorted(entry[0] for entry, _ in decoded.rejected) == sorted(entry[0] for entry in wrong)
    rows = entries_as_rows(decoded.rejected)
    assert rows.height == len(wrong)
    assert rows.get_column("reason").null_count() == 0
    assert rows.schema["field_values"] == pl.List(pl.Binary)


def test_no_entries_give_no_rows_of_the_declared_schema() -> None:
    decoded = decode_entries([])
    assert decoded.frames.schema == RAW_CAN.schema
    assert decoded.frames.height == 0
    assert decode_entries([(b"1-1", pack(batch()))]).frames.height == 0


def test_text_order_of_ids_is_time_order() -> None:
    ids = [b"999999999999-5", b"1700000000000-2", b"1700000000000-10", b"1700000000001-0"]
    assert sorted(padded_id(item) for item in ids) == [padded_id(item) for item in ids]


@pytest.mark.parametrize(
    ("stated", "count", "expected"),
    [("8", 8, (False, 8)), ("12", 8, (False, 8)), ("12", 12, (True, 12)), ("9", 12, (True, 12)), ("8", 5, (False, 8)),
     ("15", 64, (True, 64))],
)  # fmt: skip
def test_a_length_is_in_bytes_whether_it_or_its_code_was_stated(
    stated: str, count: int, expected: tuple[bool, int]
) -> None:
    entry = legacy(id="0x123", data="AA" * count, ts="1700000000250", dlc=stated)
    frames = decode_entries([entry], "v1").frames
    assert frames.select("is_fd", "dlc").rows() == [expected]
    assert frames.get_column("data").to_list() == [b"\xaa" * count]


def test_more_bytes_than_are_stated_are_no_frame() -> None:
    decoded = decode_entries([legacy(id="0x123", data="AABB", ts="1700000000250", dlc="1")], "v1")
    assert decoded.frames.is_empty()
    assert [reason for _, reason in decoded.rejected] == ["data has more bytes than dlc states"]
