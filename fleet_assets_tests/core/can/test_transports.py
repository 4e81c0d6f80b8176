"""Messages longer than a frame: ISO-TP, J1939 transport protocol, NMEA 2000 fast packet."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.contracts import CAN_SIGNALS
from fleet_assets.core.can import decode, decode_batches, signals_long
from fleet_assets_tests.core.can.frames import Frame, bindings, dbc, long, raw_can, signals

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
