"""Messages longer than a frame: ISO-TP, J1939 transport protocol, NMEA 2000 fast packet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.contracts import CAN_SIGNALS
from fleet_assets.core.can import decode, decode_batches, signals_long
from fleet_assets_tests.core.can.frames import Frame, bindings, dbc, long, raw_can, signals
from fleet_assets_tests.core.can.test_answers import framed

VIN = dbc(
    'BO_ 2024 OBD2: 20 X\n SG_ Length : 7|8@0+ (1,0) [0|0] "" X\n SG_ Service M : 15|8@0+ (1,0) [0|0] "" X\n'
    ' SG_ Speed m65 : 31|8@0+ (1,0) [0|0] "km/h" X\n SG_ Last m98 : 159|8@0+ (1,0) [0|0] "" X'
)
EC1 = dbc(
    'BO_ 2566841342 EC1: 40 X\n SG_ First : 0|16@1+ (0.125,0) [0|0] "rpm" X\n'
    ' SG_ Point5 : 96|16@1+ (0.125,0) [0|0] "rpm" X'
)
NMEA = dbc('BO_ 2583168510 Gnss: 20 X\n SG_ Sid : 0|8@1+ (1,0) [0|0] "" X\n SG_ Tail : 144|16@1+ (1,0) [0|0] "" X')
LONG = bytes([0x62, *range(2, 20)])


def iso_tp(message: bytes, at: float = 0.0, ident: int = 2024) -> list[Frame]:
    head = bytes([0x10 | len(message) >> 8, len(message) & 0xFF]) + message[:6]
    rest = [message[k : k + 7] for k in range(6, len(message), 7)]
    frames = [bytes([0x20 | (k + 1) & 0xF]) + part.ljust(7, b"\xaa") for k, part in enumerate(rest)]
    return [Frame(ident, data, at=at + k * 0.01) for k, data in enumerate([head, *frames])]


def transport(message: bytes, group: int, sender: int, receiver: int = 0xFF, at: float = 0.0) -> list[Frame]:
    count = -(-len(message) // 7)
    control = 32 if receiver == 0xFF else 16
    start = bytes([control, len(message) & 0xFF, len(message) >> 8, count, 0xFF]) + group.to_bytes(3, "little")
    parts = [bytes([k + 1]) + message[7 * k : 7 * k + 7].ljust(7, b"\xff") for k in range(count)]
    ids = [0x1CEC0000, *[0x1CEB0000] * count]
    return [
        Frame(ident | receiver << 8 | sender, data, at=at + 0.05 * k, extended=True)
        for k, (ident, data) in enumerate(zip(ids, [start, *parts], strict=True))
    ]


def fast_packet(message: bytes, sequence: int, at: float = 0.0, sender: int = 3) -> list[Frame]:
    parts = [bytes([len(message)]) + message[:6], *[message[k : k + 7] for k in range(6, len(message), 7)]]
    ident = 0x0DF80500 | sender
    return [
        Frame(ident, bytes([sequence << 5 | k]) + part.ljust(7, b"\xff"), at=at + 0.001 * k, extended=True)
        for k, part in enumerate(parts)
    ]


def told(frames: Iterable[Frame], text: str) -> tuple[int, int]:
    """Messages put together, and messages given up."""
    counts = decode(raw_can(frames), bindings(text)).counts
    return counts.assembled, counts.incomplete


def test_an_answer_of_one_frame_is_decoded_in_the_same_layout() -> None:
    assert signals([Frame(2024, bytes([3, 0x41, 0x0D, 77, 0, 0, 0, 0]))], bindings(VIN)) == [
        ("Length", 3.0), ("Service", 65.0), ("Speed", 77.0),
    ]  # fmt: skip


def test_filling_behind_the_stated_length_is_no_value() -> None:
    assert ("Speed", None) in signals(
        [Frame(2024, bytes([2, 0x41, 0x0D, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA]))], bindings(VIN)
    )


def test_an_answer_of_several_frames_is_put_together_at_its_last_frame() -> None:
    rows = long(iso_tp(LONG), bindings(VIN))
    assert rows.select("signal", "value").rows() == [("Last", 19.0), ("Length", 19.0), ("Service", 98.0)]
    assert rows["entry_id"].unique().to_list() == ["000002"]


def test_parts_of_a_long_answer_are_never_read_as_answers() -> None:
    message = bytes([0x62, 1, 2, 3, 4, 5, 0x41, 0x0D, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert "Speed" not in long(iso_tp(message), bindings(VIN))["signal"].to_list()


def test_a_lost_frame_loses_only_its_message() -> None:
    frames = [*(f for k, f in enumerate(iso_tp(LONG)) if k != 1), *iso_tp(LONG, at=1)]
    decoded = decode(raw_can(frames), bindings(VIN))
    assert (decoded.counts.assembled, decoded.counts.incomplete) == (1, 1)


def test_a_repeated_frame_changes_nothing() -> None:
    first, *rest = iso_tp(LONG)
    assert signals([first, rest[0], rest[0], *rest[1:]], bindings(VIN)) == signals([first, *rest], bindings(VIN))


def test_flow_control_between_the_frames_is_passed_over() -> None:
    first, *rest = iso_tp(LONG)
    flow = Frame(2024, bytes([0x30, 0, 0]), at=0.005)
    assert decode(raw_can([first, flow, *rest]), bindings(VIN)).counts.assembled == 1


def test_a_message_is_given_up_after_a_pause() -> None:
    first, *rest = iso_tp(LONG)
    late = [Frame(f.id, f.data, at=f.at + 2) for f in rest]
    assert decode(raw_can([first, *late]), bindings(VIN)).counts.assembled == 0


def test_control_units_answer_at_the_same_time() -> None:
    both = VIN.replace("BO_ 2024 OBD2", "BO_ 2025 TCM") + VIN.split("BU_: X\n")[1]
    frames = [f for pair in zip(iso_tp(LONG), iso_tp(LONG, ident=2025), strict=True) for f in pair]
    assert decode(raw_can(frames), bindings(both)).counts.assembled == 2


def test_a_broadcast_of_j1939_is_decoded_with_its_sender() -> None:
    message = bytes(range(40))
    rows = long(transport(message, 0xFEE3, sender=7), bindings(EC1))
    assert rows.select("signal", "value", "source_address").rows() == [
        ("First", 0x0100 * 0.125, 7), ("Point5", 0x0D0C * 0.125, 7),
    ]  # fmt: skip


def test_a_connection_of_j1939_is_listened_to() -> None:
    message = bytes(range(40))
    request, *data = transport(message, 0xFEE3, sender=7, receiver=3)
    clear = Frame(0x1CEC0703, bytes([17, 6, 1, 0xFF, 0xFF, 0xE3, 0xFE, 0]), at=0.01, extended=True)
    end = Frame(0x1CEC0703, bytes([19, 40, 0, 6, 0xFF, 0xE3, 0xFE, 0]), at=0.9, extended=True)
    assert len(signals([request, clear, *data, end], bindings(EC1))) == 2


def test_broadcasts_of_two_senders_do_not_mix() -> None:
    pairs = zip(transport(bytes(40), 0xFEE3, 7), transport(b"\x01" * 40, 0xFEE3, 8, at=0.01), strict=True)
    rows = long([f for pair in pairs for f in pair], bindings(EC1)).filter(signal="First")
    assert rows.sort("source_address").select("source_address", "value").rows() == [(7, 0.0), (8, 257 * 0.125)]


def test_a_broadcast_that_pauses_longer_than_t1_is_given_up() -> None:
    frames = transport(bytes(20), 0xFEE3, sender=7)
    late = [*frames[:2], *(replace(frame, at=frame.at + 0.71) for frame in frames[2:])]
    in_time = [*frames[:2], *(replace(frame, at=frame.at + 0.70) for frame in frames[2:])]
    assert told(late, EC1) == (0, 2)
    assert told(in_time, EC1) == (1, 0)


def test_pieces_of_two_broadcasts_are_never_one_message() -> None:
    """Lost: the last packet of one broadcast, announcement and first packet of the next."""
    one, two = transport(b"\x01" * 20, 0xFEE3, 7), transport(b"\x02" * 20, 0xFEE3, 7, at=0.15)
    whole = transport(b"\x03" * 20, 0xFEE3, 7, at=1)
    assert told([*one[:-1], *two[2:], *whole], EC1) == (1, 1)
    slow = [replace(frame, at=frame.at + 1) for frame in two]
    assert told([*one[:-1], *slow[2:], *(replace(frame, at=frame.at + 1) for frame in whole)], EC1) == (1, 2)


def test_a_packet_that_comes_again_with_the_same_bytes_is_passed_over() -> None:
    start, *data = transport(bytes(range(1, 21)), 0xFEE3, 7)
    assert told([start, data[0], data[0], data[1], data[0], data[2], data[2]], EC1) == (1, 0)


def test_an_announcement_that_contradicts_itself_is_counted() -> None:
    start, *data = transport(bytes(20), 0xFEE3, 7)
    wrong = replace(start, data=start.data[:3] + b"\x07" + start.data[4:])
    assert told([wrong, *data], EC1) == (0, 1)


def test_packets_of_a_connection_are_sent_again_from_any_number() -> None:
    start, *data = transport(bytes(range(40)), 0xFEE3, sender=7, receiver=3)
    again = Frame(0x1CEC0703, bytes([17, 6, 2, 0xFF, 0xFF, 0xE3, 0xFE, 0]), at=0.2, extended=True)
    packets = [*data[:4], *data[1:]]
    frames = [start, *(replace(frame, at=0.1 + 0.05 * k) for k, frame in enumerate(packets))]
    assert told([*frames, again], EC1) == (1, 0)


def test_a_packet_that_is_missing_in_a_connection_may_come_later() -> None:
    start, *data = transport(bytes(range(40)), 0xFEE3, sender=7, receiver=3)
    packets = [data[0], data[2], data[3], *data[1:]]
    rows = long([start, *(replace(f, at=0.1 + 0.05 * k) for k, f in enumerate(packets))], bindings(EC1))
    assert rows["value"].to_list() == [0x0100 * 0.125, 0x0D0C * 0.125]
    assert told([start, *data[:2], *data[3:]], EC1) == (0, 1)


def test_a_connection_that_its_receiver_holds_goes_on() -> None:
    start, *data = transport(bytes(range(40)), 0xFEE3, sender=7, receiver=3)
    hold = [
        Frame(0x1CEC0703, bytes([17, 0, 255, 0xFF, 0xFF, 0xE3, 0xFE, 0]), at=0.5 * k, extended=True) for k in (1, 2, 3)
    ]
    late = [replace(frame, at=frame.at + 2) for frame in data]
    assert told([start, *hold, *late], EC1) == (1, 0)
    assert told([start, *late], EC1) == (0, 2)


def test_frames_of_a_message_whose_beginning_lies_before_all_frames_are_no_loss() -> None:
    assert told(iso_tp(LONG)[1:] + iso_tp(LONG, at=1), VIN) == (1, 0)


def test_an_aborted_connection_gives_nothing() -> None:
    request, *data = transport(bytes(40), 0xFEE3, sender=7, receiver=3)
    abort = Frame(0x1CEC0307, bytes([255, 1, 255, 255, 255, 0xE3, 0xFE, 0]), at=0.06, extended=True)
    assert signals([request, data[0], abort, *data[1:]], bindings(EC1)) == []


def test_a_group_no_database_knows_is_only_counted() -> None:
    decoded = decode(raw_can(transport(bytes(20), 0xFECA, sender=0)), bindings(EC1))
    assert (decoded.messages, decoded.counts.transport, decoded.counts.assembled) == ((), 4, 1)


def test_fast_packets_are_put_together_by_sequence() -> None:
    message = bytes([9, *[0] * 17, 0x34, 0x12])
    one, two = fast_packet(message, 1), fast_packet(bytes([8]) + message[1:], 2, at=0.0005)
    rows = long([f for pair in zip(one, two, strict=True) for f in pair], bindings(NMEA))
    assert rows.filter(signal="Tail")["value"].to_list() == [0x1234, 0x1234]
    assert sorted(rows.filter(signal="Sid")["value"].to_list()) == [8.0, 9.0]


UDS = dbc('BO_ 1979 Battery: 14 X\n SG_ Voltage : 39|16@0+ (0.01,0) [0|655] "V" X')
ANSWER = bytes.fromhex("6201014e20") + bytes(8)


@pytest.mark.parametrize("fd", [False, True])
@pytest.mark.parametrize("dlc", [8, 16])
def test_the_first_byte_says_whether_a_frame_is_a_whole_message(fd: bool, dlc: int) -> None:
    frames = [replace(frame, fd=fd, dlc=dlc) for frame in iso_tp(ANSWER, ident=1979)]
    assert signals(frames, bindings(UDS)) == [("Voltage", 200.0)]
    assert told(frames, UDS) == (1, 0)


@pytest.mark.parametrize("fd", [False, True])
def test_a_long_frame_holds_its_length_in_the_second_byte(fd: bool) -> None:
    frame = Frame(1979, (b"\x00\x0d" + ANSWER).ljust(16, b"\xcc"), fd=fd)
    assert signals([frame], bindings(UDS)) == [("Voltage", 200.0)]


def test_a_long_message_in_frames_of_64_bytes_ends_with_a_short_one() -> None:
    message = ANSWER + bytes(60)
    first = bytes([0x10, len(message)]) + message[:62]
    frames = [Frame(1979, first, fd=True), Frame(1979, b"\x21" + message[62:].ljust(11, b"\xcc"), at=0.1, fd=True)]
    short = [frames[0], replace(frames[1], data=b"\x21" + message[62:69])]
    for sent in (frames, [*short, Frame(1979, b"\x22" + message[69:].ljust(7, b"\xcc"), at=0.2, fd=True)]):
        assert signals(sent, bindings(UDS)) == [("Voltage", 200.0)]
        assert told(sent, UDS) == (1, 0)


def test_a_message_of_more_than_4095_bytes_has_its_length_in_four_bytes() -> None:
    message = ANSWER + bytes(5000)
    head = b"\x10\x00" + len(message).to_bytes(4, "big") + message[:58]
    rest = [message[k : k + 63] for k in range(58, len(message), 63)]
    frames = [head, *(bytes([0x20 | (k + 1) & 0xF]) + part for k, part in enumerate(rest))]
    assert signals([Frame(1979, data, at=0.001 * k, fd=True) for k, data in enumerate(frames)], bindings(UDS)) == [
        ("Voltage", 200.0)
    ]


def test_long_frames_that_are_not_all_of_the_protocol_are_whole_messages() -> None:
    """CAN FD of a database that does not say so: some first bytes look like those of ISO-TP."""
    text = dbc('BO_ 7 G: 24 X\n SG_ Last : 184|8@1+ (1,0) [0|0] "" X')
    frames = [
        Frame(7, bytes([first]) + bytes(22) + bytes([k]), at=k, fd=True) for k, first in enumerate([0x12, 0x21, 0x7F])
    ]
    assert signals(frames, bindings(text)) == [("Last", 0.0), ("Last", 1.0), ("Last", 2.0)]
    cut = Frame(7, b"\x12" + bytes(7), at=9, fd=True)
    assert signals([*frames, cut], bindings(text))[-1] == ("Last", None)


@pytest.mark.parametrize("data", ["08620101", "1f", "1000000000000000", "f0000000", "1007620101"])
def test_frames_that_no_iso_tp_message_has_are_counted(data: str) -> None:
    assert told([Frame(1979, bytes.fromhex(data))], UDS) == (0, 1)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.sampled_from([8, 12, 24, 64]), st.integers(0, 200))
def test_any_message_survives_any_frames_and_no_loss_is_silent(message: bytes, size: int, lost: int) -> None:
    text = dbc(f'BO_ 2024 M: {len(message) + 1} X\n SG_ Last : {8 * len(message)}|8@1+ (1,0) [0|0] "" X')
    frames = framed(message, size)
    assert signals(frames, bindings(text)) == [("Last", float(message[-1]))]
    kept = [frame for k, frame in enumerate(frames) if k != lost % len(frames)]
    again = [replace(frame, at=frame.at + 9) for frame in frames]
    assert told([*again, *(replace(frame, at=frame.at + 20) for frame in kept)], text) == (1, int(len(frames) > 1))


def test_an_error_frame_is_no_part_of_a_message() -> None:
    first, second, *rest = iso_tp(LONG)
    wrong = replace(second, data=b"\x21" + bytes(7), error=True)
    decoded = decode(raw_can([first, wrong, second, *rest]), bindings(VIN))
    assert (decoded.counts.assembled, decoded.counts.error_frames) == (1, 1)


def test_fast_packets_that_come_in_can_fd_frames_of_8_bytes_are_parts() -> None:
    frames = [replace(frame, fd=True) for frame in fast_packet(bytes(18) + b"\x34\x12", 1)]
    assert ("Tail", float(0x1234)) in signals(frames, bindings(NMEA))


def test_a_message_some_tool_put_together_is_taken_as_it_is() -> None:
    assert len(signals([Frame(0x18FEE300, bytes(40), extended=True)], bindings(EC1))) == 2
    assert len(signals([Frame(0x0DF80503, bytes(20), extended=True)], bindings(NMEA))) == 2


@settings(max_examples=30)
@given(st.integers(1, 7))
def test_where_batches_are_cut_never_shows(size: int) -> None:
    frames = [*iso_tp(LONG), Frame(2024, bytes([3, 0x41, 0x0D, 77, 0, 0, 0, 0]), at=1), *iso_tp(LONG, at=2)]
    rows = raw_can([*frames, Frame(999, b"", at=3)])
    batches = list(decode_batches((rows.slice(k, size) for k in range(0, rows.height, size)), bindings(VIN)))
    whole = decode(rows, bindings(VIN))
    found = pl.concat([signals_long(batch) for batch in batches]).sort(*CAN_SIGNALS.order)
    assert found.equals(signals_long(whole))
    for name in ("frames", "transport", "assembled", "unknown_id"):
        assert sum(getattr(batch.counts, name) for batch in batches) == getattr(whole.counts, name)


@settings(max_examples=40)
@given(st.binary(min_size=9, max_size=300), st.integers(0, 1000))
def test_any_length_survives_and_order_of_arrival_never_shows(message: bytes, seed: int) -> None:
    text = dbc(f'BO_ 2566841342 EC1: {len(message)} X\n SG_ Last : {8 * len(message) - 8}|8@1+ (1,0) [0|0] "" X')
    frames = transport(message, 0xFEE3, sender=1)
    rows = raw_can(frames)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    values = [
        decode(frame, bindings(text)).messages[0].values.tolist() for frame in (rows, shuffled, pl.concat([rows]))
    ]
    wanted = float(message[-1])
    assert [v[0][0] if v[0][0] == v[0][0] else None for v in values] == [wanted if wanted <= 0xFA else None] * 3
