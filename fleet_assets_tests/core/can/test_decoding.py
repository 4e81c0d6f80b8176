"""Grouping, bindings, counts: what becomes of every frame."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.contracts import CAN_SIGNALS, check_frame
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.can import DecodeCounts, bind, compile_database, decode, decode_batches, signals_long
from fleet_assets_tests.core.can.frames import Frame, bindings, dbc, long, raw_can, signals

ONE = dbc('BO_ 100 M: 2 X\n SG_ S : 0|16@1+ (0.5,0) [0|0] "V" X')
OTHER = dbc('BO_ 100 N: 2 X\n SG_ T : 0|8@1+ (1,0) [0|0] "" X', 'BO_ 200 P: 1 X\n SG_ U : 0|8@1+ (1,0) [0|0] "" X')
TRUCK = dbc('BO_ 2364540158 EEC1: 8 X\n SG_ EngineSpeed : 24|16@1+ (0.125,0) [0|0] "rpm" X')


def counts(frames: list[Frame], *texts: str, bus: str = "*") -> DecodeCounts:
    return decode(raw_can(frames), bindings(*texts, bus=bus)).counts


def test_no_frame_gives_no_row() -> None:
    rows = long([], bindings(ONE))
    assert rows.equals(CAN_SIGNALS.empty())


def test_one_frame_gives_its_row() -> None:
    rows = long([Frame(100, b"\x03\x00")], bindings(ONE))
    check_frame(CAN_SIGNALS, rows)
    assert rows.drop("recorded_at").rows() == [("v1", "can0", "M", "S", None, 1.5, None, "V", "000000")]


def test_every_frame_is_counted_once() -> None:
    frames = [
        Frame(100, b"\x01\x00"), Frame(100, b"\x01"), Frame(999, b""), Frame(100, b"\x01\x00", error=True),
        Frame(100, b"\x01\x00", vehicle="v2"), Frame(100, b"\x01\x00", extended=True),
    ]  # fmt: skip
    assert counts(frames, ONE) == DecodeCounts(
        frames=6, decoded=2, error_frames=1, unbound=1, unknown_id=2, short_payloads=1
    )


@pytest.mark.parametrize("data", [b"", b"\x03"])
def test_bytes_that_a_frame_states_and_does_not_have_are_never_zeros(data: bytes) -> None:
    decoded = decode(raw_can([Frame(100, data, dlc=2)]), bindings(ONE))
    assert signals_long(decoded)["value"].to_list() == [None]
    assert decoded.counts.short_payloads == 1


def test_a_signal_not_completely_in_the_payload_is_null() -> None:
    assert signals([Frame(100, b"\x03")], bindings(ONE)) == [("S", None)]


def test_the_database_of_the_named_bus_goes_before_the_one_for_any_bus() -> None:
    databases = {"one": compile_database(ONE, "one"), "other": compile_database(OTHER, "other")}
    pairs = pl.DataFrame({"vehicle_id": ["v1", "v1"], "bus": ["*", "can1"], "dbc": ["one", "other.dbc"]})
    frames = [Frame(100, b"\x03\x00"), Frame(100, b"\x03\x00", bus="can1")]
    assert signals(frames, bind(pairs, databases)) == [("S", 1.5), ("T", 3.0)]


def test_several_databases_of_a_bus_complete_each_other() -> None:
    assert signals([Frame(100, b"\x03\x00"), Frame(200, b"\x07")], bindings(ONE, OTHER)) == [("S", 1.5), ("U", 7.0)]


def test_a_binding_to_a_file_nobody_has_is_a_sentence() -> None:
    bound = bind(pl.DataFrame({"vehicle_id": ["v1"], "bus": ["*"], "dbc": ["gone.dbc"]}), {})
    assert decode(raw_can([Frame(100, b"")]), bound).counts == DecodeCounts(
        frames=1, unbound=1, problems=("vehicle v1, bus *: there is no DBC file gone",)
    )


@pytest.mark.parametrize(("bus", "echo"), [("0", "128"), ("can1", "can129")])
def test_a_device_that_hears_itself_is_not_counted_twice(bus: str, echo: str) -> None:
    frames = [Frame(100, b"\x01\x00", bus=bus), Frame(100, b"\x01\x00", bus=echo)]
    assert (counts(frames, ONE).decoded, counts(frames, ONE).echo) == (1, 1)


def test_an_echo_that_is_bound_by_name_is_decoded() -> None:
    frames = [Frame(100, b"\x01\x00", bus="0"), Frame(100, b"\x01\x00", bus="128")]
    assert counts(frames, ONE, bus="128").decoded == 1


def test_a_high_bus_number_of_another_vehicle_is_no_echo() -> None:
    frames = [Frame(100, b"\x01\x00", bus="128"), Frame(100, b"\x01\x00", bus="0", vehicle="v0")]
    assert counts(frames, ONE).decoded == 1


def test_j1939_is_matched_by_group_whatever_priority_and_sender() -> None:
    data = bytes([0xFF] * 3 + [0x40, 0x1F] + [0xFF] * 3)
    frames = [Frame(ident, data, extended=True) for ident in (0x0CF00400, 0x18F00403, 0x0CF004FE)]
    rows = long(frames, bindings(TRUCK))
    assert rows.select("value", "source_address").rows() == [(1000.0, 0), (1000.0, 3), (1000.0, 254)]


def test_an_11_bit_identifier_is_no_j1939_group() -> None:
    assert counts([Frame(0x4, bytes(8))], TRUCK).unknown_id == 1


def test_a_group_to_one_receiver_is_matched_without_the_receiver() -> None:
    text = dbc('BO_ 2550137086 TSC1: 1 X\n SG_ Mode : 0|8@1+ (1,0) [0|0] "" X')
    assert signals([Frame(0x0C000003, b"\x01", extended=True)], bindings(text)) == [("Mode", 1.0)]


def test_equal_numbers_of_11_and_29_bits_are_two_identifiers() -> None:
    text = ONE + 'BO_ 2147483748 L: 1 X\n SG_ V : 0|8@1+ (1,0) [0|0] "" X\n'
    frames = [Frame(100, b"\x04\x00"), Frame(100, b"\x05", extended=True)]
    assert signals(frames, bindings(text)) == [("S", 2.0), ("V", 5.0)]


def test_named_values_have_their_text() -> None:
    text = dbc('BO_ 7 G: 1 X\n SG_ Gear : 0|4@1- (1,0) [0|0] "" X', 'VAL_ 7 Gear -1 "Reverse" 0 "Neutral" ;')
    rows = long([Frame(7, b"\x0f"), Frame(7, b"\x00"), Frame(7, b"\x03"), Frame(7, b"")], bindings(text))
    assert rows.select("value", "text").rows() == [(-1.0, "Reverse"), (0.0, "Neutral"), (3.0, None), (None, None)]


def test_can_fd_frames_of_64_bytes() -> None:
    text = dbc('BO_ 7 G: 64 X\n SG_ Last : 504|8@1+ (1,0) [0|0] "" X')
    assert signals([Frame(7, bytes(63) + b"\x2a", fd=True)], bindings(text)) == [("Last", 42.0)]


def test_a_broken_file_keeps_its_readable_messages() -> None:
    text = (
        ONE
        + 'BO_ 300 2Bad: 8 X\n SG_ 0X : 0|8@1+ (1,0) [0|0] "" X\n\nBO_ 200 P: 1 X\n SG_ U : 0|8@1+ (1,0) [0|0] "" X\n'
    )
    database = compile_database(text, "broken")
    assert [message.name for message in database.messages] == ["M", "P"]
    assert database.dropped[0].startswith("message 2Bad: ")


def test_an_identifier_of_29_bits_without_the_mark_is_taken_as_one() -> None:
    text = dbc('BO_ 275185664 D: 1 X\n SG_ S : 0|8@1+ (1,0) [0|0] "" X', 'VAL_ 275185664 S 1 "One" ;')
    assert compile_database(text, "gm").dropped == (
        "message D: its identifier 0x10670000 is not marked as one of 29 bits; it is taken as one",
    )
    rows = long([Frame(275185664, b"\x01", extended=True)], bindings(text))
    assert rows.select("value", "text").rows() == [(1.0, "One")]


def test_a_text_that_is_no_dbc_is_refused_by_name() -> None:
    with pytest.raises(FileRejected, match="notes: is no DBC file with a readable message"):
        compile_database("hello", "notes")


frames_of_buses = st.lists(
    st.builds(
        Frame, id=st.sampled_from([100, 200, 999]), data=st.binary(max_size=3), at=st.sampled_from([0.0, 1.0, 2.0]),
        bus=st.sampled_from(["a", "b", "a bus with a name longer than twelve"]), vehicle=st.sampled_from(["v1", "v2"]),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=60)
@given(frames_of_buses, st.integers(0, 1000), st.integers(1, 5))
def test_neither_order_nor_chunks_show(frames: list[Frame], seed: int, size: int) -> None:
    rows = raw_can(frames)
    bound = bindings(ONE, OTHER)
    whole = signals_long(decode(rows, bound))
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    pieces = [shuffled.slice(k, size) for k in range(0, max(len(frames), 1), size)]
    assert signals_long(decode(pl.concat(pieces, rechunk=False), bound)).equals(whole)
    alone = pl.concat([signals_long(decode(piece, bound)) for piece in pieces]).sort(*CAN_SIGNALS.order)
    assert alone.equals(whole)
    total = decode(rows, bound).counts
    kinds = (total.decoded, total.transport, total.error_frames, total.unbound, total.echo, total.unknown_id)
    assert sum(kinds) == total.frames == len(frames)


def test_named_values_outlive_the_batch_they_came_in() -> None:
    text = dbc('BO_ 7 G: 1 X\n SG_ Gear : 0|4@1- (1,0) [0|0] "" X', 'VAL_ 7 Gear -1 "Reverse" 0 "Neutral" ;')
    batches = [raw_can([Frame(7, data)]) for data in (b"\x0f", b"\x00", b"")]
    decoded = list(decode_batches(batches, bindings(text)))
    assert [signals_long(part)["text"].to_list() for part in decoded] == [["Reverse"], ["Neutral"], [None]]


def test_more_kinds_of_frames_than_the_first_table_holds() -> None:
    frames = [Frame(ident, b"\x00\x00", extended=True) for ident in range(5000)] + [Frame(100, b"\x02\x00")]
    assert replace(counts(frames, ONE), unknown_id=0) == DecodeCounts(frames=5001, decoded=1)
