"""Wire format: both forms give back every frame exactly, wrong entries are set aside alone."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.adapters import can_entries
from fleet_assets.adapters.can_entries import decode_entries, entries_as_rows
from fleet_assets.adapters.can_stream import Batch, Entry, Fields, Packed, pack, padded_id, single_entries, unpack
from fleet_assets.adapters.entry_bounds import EARLIEST_US, LATEST_US
from fleet_assets.adapters.entry_numbers import frame_count, numbers_of, runs
from fleet_assets.adapters.frame_batch import FrameBatch
from fleet_assets.contracts import RAW_CAN, check_frame
from fleet_assets_tests.fixtures.wild_entries import stream_ids, wild_entries

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


def test_a_length_that_cannot_be_read_is_no_length_of_zero_from_writers_that_say_flags_either() -> None:
    good = legacy(id="0x1", data="", ts="1700000000250", dlc="0", flags="0")
    wrong = legacy(id="0x1", data="00", ts="1700000000250", dlc="many", flags="0")
    for entries in ([wrong], [wrong, legacy(id="0x1", data="", ts="1700000000250")], [wrong, good]):
        reasons = [reason for _, reason in decode_entries(entries, "v1").rejected]
        assert reasons == ["dlc is no number from 0 to 64"]


def test_entries_of_several_writers_in_one_read_keep_their_ids() -> None:
    numbered = {b"producer": b"p", b"first": b"7"}
    other = {b"producer": b"q", b"first": b"12"}
    (_, one), (_, two) = single(batch((START, 1, 0, 1, b"\x01"), (START, 2, 0, 1, b"\x02")))
    packed = pack(batch((START, 1, 0, 1, b"\x01")))
    entries = [
        (b"5-1", {**one, **numbered}),
        (b"5-2", {**two, **other}),
        (b"5-3", two),
        (b"5-4", packed | other),
        (b"5-5", packed),
    ]
    assert decode_entries(entries, origin="s").frames.get_column("entry_id").to_list() == [
        "q-000000000012", f"s-{5:013}-000005-000000", "p-000000000007", "q-000000000012", f"s-{5:013}-000003",
    ]  # fmt: skip


def judged(of: Batch) -> tuple[str | None, str | None]:
    """The reason for which the packed form and the single one of a frame are set aside."""
    packed, one = decode_entries([(b"1-1", pack(of))]), decode_entries(single(of))
    reasons = [decoded.rejected[0][1] if decoded.rejected else None for decoded in (packed, one)]
    return reasons[0], reasons[1]


@pytest.mark.parametrize(
    ("frame", "packed", "single_form"),
    [
        ((START, 0x1FFF_FFFF, 15, 64, bytes(64)), None, None),
        ((START, 0x2000_0000, 0, 0, b""), "29 bits", "29 bits"),
        ((START, 1, 16, 0, b""), "flags have a bit", "flags is no number from 0 to 15"),
        ((START, 1, 0, 65, b""), "dlc is above 64", "dlc is no number from 0 to 64"),
        ((START, 1, 0, 8, bytes(65)), "more than 64 bytes", "longer than 64 bytes"),
        ((EARLIEST_US, 1, 0, 0, b""), None, None),
        ((LATEST_US, 1, 0, 0, b""), None, None),
        ((EARLIEST_US - 1, 1, 0, 0, b""), "years 1 to 9999", "years 1 to 9999"),
        ((LATEST_US + 1, 1, 0, 0, b""), "years 1 to 9999", "years 1 to 9999"),
        ((2**63 - 1, 1, 0, 0, b""), "years 1 to 9999", "years 1 to 9999"),
    ],
)
def test_both_forms_have_the_same_bounds(
    frame: tuple[int, int, int, int, bytes], packed: str | None, single_form: str | None
) -> None:
    for said, expected in zip(judged(batch(frame)), (packed, single_form), strict=True):
        assert (said is None) == (expected is None)
        assert (expected or "") in (said or "")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (b"vehicle", b"\xff\xfe", "vehicle is not a name"), (b"vehicle", b"van\x00", "vehicle is not a name"),
        (b"vehicle", b"v" * 201, "vehicle is not a name"), (b"bus", b"can\x1b[2J", "bus is not a name"),
        (b"producer", b"", "producer is not a name"), (b"first", b"many", "first is 'many', not a whole number"),
        (b"first", b"9" * 5_000, "first is '999"), (b"first", b"-1", "first is '-1'"),
        (b"first", str(10**12).encode(), "not a whole number from 0 to"),
    ],
)  # fmt: skip
def test_names_and_numbers_have_the_same_bounds_in_both_forms(field: bytes, value: bytes, reason: str) -> None:
    given_batch = batch((START, 1, 0, 1, b"\x01"))
    numbering = {b"producer": b"p", b"first": b"7"}
    for stream_id, fields in ((b"1-1", pack(given_batch)), single(given_batch)[0]):
        assert decode_entries([(stream_id, {**fields, **numbering})]).rejected == []
        decoded = decode_entries([(stream_id, {**fields, **numbering, field: value})])
        assert [said for _, said in decoded.rejected if reason in said], (fields, decoded.rejected)


def test_what_is_stated_and_cannot_be_read_is_not_replaced_by_something_else() -> None:
    wrong = [
        legacy(id="0x1", data="00", ts="1700000000250", ts_us="soon"),
        legacy(id="0x1", data="00", ts="1700000000250", dlc="many"),
        legacy(id="0x1", data="00", ts="1700000000250", first="3"),
        (b"18446744073709551615-1", legacy(id="0x1", data="00", ts="1700000000250")[1]),
    ]
    decoded = decode_entries(wrong, "v1")
    assert (decoded.frames.height, len(decoded.rejected)) == (0, 4)


@pytest.mark.slow
@given(st.lists(st.tuples(stream_ids, wild_entries), max_size=12, unique_by=lambda entry: entry[0]))
@settings(max_examples=300)
def test_whatever_fields_hold_each_entry_is_decoded_or_set_aside_with_a_reason(entries: list[Entry]) -> None:
    good = (b"1772352000000-9", pack(batch((START, 1, 0, 1, b"\x01"))))
    decoded = decode_entries([*entries, good], "v1")
    assert decoded.frames.filter(vehicle_id="truck-1").height == 1
    aside = {entry[0] for entry, _ in decoded.rejected}
    assert all(reason.strip() for _, reason in decoded.rejected)
    for stream_id, fields in entries:
        alone = decode_entries([(stream_id, fields)], "v1")
        assert bool(alone.rejected) == (stream_id in aside)
        check_frame(RAW_CAN, alone.frames)
    entries_as_rows(decoded.rejected).write_parquet(io.BytesIO())
    assert runs(numbers_of([*entries, good])).height >= 0
    list(map(frame_count, (fields for _, fields in entries)))


def test_an_entry_that_fails_in_a_way_nobody_thought_of_is_set_aside_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def unlucky(fields: Fields) -> Packed:
        if fields[b"bus"] == b"unlucky":
            raise ZeroDivisionError("in a library")
        return unpack(fields)

    monkeypatch.setattr(can_entries, "unpack", unlucky)
    good = pack(batch((START, 1, 0, 1, b"\x01")))
    decoded = decode_entries([(b"1-1", good), (b"1-2", good | {b"bus": b"unlucky"}), (b"1-3", good)])
    assert decoded.frames.get_column("entry_id").to_list() == [f"{1:013}-{n:06}-000000" for n in (1, 3)]
    assert [(entry[0], reason) for entry, reason in decoded.rejected] == [(b"1-2", "cannot be decoded: in a library")]
