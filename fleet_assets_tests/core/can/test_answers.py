"""Answers of OBD-II service 01: any address, any number of parameters, any split into frames."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.core.can import decode
from fleet_assets_tests.core.can.frames import Frame, bindings, dbc, long, raw_can, signals

HEAD = ("Length", "Service", "Pid")
OBD = dbc(
    'BO_ 2024 OBD2: 16 X\n SG_ Length : 7|8@0+ (1,0) [0|255] "" X\n SG_ Service M : 11|4@0+ (1,0) [0|15] "" X\n'
    ' SG_ Pid m1M : 23|8@0+ (1,0) [0|255] "" X\n SG_ Coolant m5 : 31|8@0+ (1,-40) [-40|215] "degC" X\n'
    ' SG_ Trim m6 : 31|8@0+ (1,0) [0|255] "" X\n SG_ Trim3 m6 : 39|8@0+ (1,0) [0|255] "" X\n'
    ' SG_ Rpm m12 : 31|16@0+ (0.25,0) [0|16383.75] "rpm" X\n SG_ Speed m13 : 31|8@0+ (1,0) [0|255] "km/h" X\n'
    ' SG_ Fuel m47 : 31|8@0+ (1,0) [0|255] "" X\n SG_ Odometer m166 : 31|32@0+ (0.1,0) [0|429496729.5] "km" X\n'
    ' SG_ Own m250 : 31|24@0+ (1,0) [0|0] "" X',
    "SG_MUL_VAL_ 2024 Pid Service 1-1;\nSG_MUL_VAL_ 2024 Coolant Pid 5-5;\nSG_MUL_VAL_ 2024 Trim Pid 6-6;\n"
    "SG_MUL_VAL_ 2024 Trim3 Pid 6-6;\nSG_MUL_VAL_ 2024 Rpm Pid 12-12;\nSG_MUL_VAL_ 2024 Speed Pid 13-13;\n"
    "SG_MUL_VAL_ 2024 Fuel Pid 47-47;\nSG_MUL_VAL_ 2024 Odometer Pid 166-166;\nSG_MUL_VAL_ 2024 Own Pid 250-250;",
)
VALUES = {
    "Coolant": (b"\x05\x7b", 83.0), "Rpm": (b"\x0c\x17\x70", 1500.0), "Speed": (b"\x0d\x09", 9.0),
    "Fuel": (b"\x2f\x80", 128.0), "Odometer": (b"\xa6\x00\x01\x00\x00", 6553.6), "Own": (b"\xfa\x01\x00\x00", 65536.0),
}  # fmt: skip


def framed(answer: bytes, size: int = 8, ident: int = 0x7E8, at: float = 0.0, filling: bytes = b"\xaa") -> list[Frame]:
    """An answer cut into frames of 8 (classical) or up to 64 bytes, as ISO 15765-2 says."""
    extended, fd = ident > 0x7FF, size > 8
    if len(answer) < 8:
        parts = [bytes([len(answer)]) + answer]
    elif len(answer) <= size - 2:
        parts = [bytes([0, len(answer)]) + answer]
    else:
        parts = [bytes([0x10 | len(answer) >> 8, len(answer) & 0xFF]) + answer[: size - 2]]
        rest = answer[size - 2 :]
        parts += [
            bytes([0x20 | (k + 1) & 0xF]) + rest[(size - 1) * k : (size - 1) * (k + 1)]
            for k in range(-(-len(rest) // (size - 1)))
        ]
    sizes = [next(n for n in (8, 12, 16, 20, 24, 32, 48, 64) if n >= len(part)) for part in parts]
    return [
        Frame(ident, part.ljust(n, filling), at=at + 0.01 * k, extended=extended, fd=fd)
        for k, (part, n) in enumerate(zip(parts, sizes, strict=True))
    ]


def values(frames: list[Frame]) -> dict[str, float | None]:
    return {name: value for name, value in signals(frames, bindings(OBD)) if name not in HEAD}


@pytest.mark.parametrize("ident", [0x7E8, 0x7EF, 0x18DAF110, 0x18DAFA28, 0x1CDAF110])
def test_any_control_unit_answers_on_any_identifier_of_the_standard(ident: int) -> None:
    rows = long(framed(b"\x41\x0d\x09", ident=ident), bindings(OBD)).filter(signal="Speed")
    assert rows.select("value", "source_address").rows() == [(9.0, ident & 0xFF)]


@pytest.mark.parametrize("ident", [0x7DF, 0x7E0, 0x18DB33F1, 0x18FEF100, 0x18DBF110])
def test_other_identifiers_are_no_answers(ident: int) -> None:
    frame = Frame(ident, b"\x03\x41\x0d\x09\xaa\xaa\xaa\xaa", extended=ident > 0x7FF)
    assert decode(raw_can([frame]), bindings(OBD)).counts.unknown_id == 1


def test_a_request_to_one_control_unit_is_never_an_answer() -> None:
    request = Frame(0x18DA10F1, bytes.fromhex("0501050c0d2f5555"), extended=True)
    assert signals([request], bindings(OBD)) == []


def test_what_else_a_control_unit_says_is_read_only_where_the_database_names_its_identifier() -> None:
    text = OBD.replace("SG_ Pid m1M", 'SG_ Other m2 : 39|8@0+ (1,0) [0|0] "" X\n SG_ Pid m1M')
    text += "SG_MUL_VAL_ 2024 Other Service 2-2;\n"
    answer = b"\x62\x0d\x09\x07"
    assert ("Other", 7.0) in signals(framed(answer), bindings(text))
    assert signals(framed(answer, ident=0x7E9), bindings(text)) == []


def test_an_identifier_that_the_database_names_goes_before_what_all_answer() -> None:
    text = OBD + 'BO_ 2025 Tcm: 8 X\n SG_ Gear : 15|8@0+ (1,0) [0|0] "" X\n'
    assert signals(framed(b"\x41\x0d\x09", ident=0x7E9), bindings(text)) == [("Gear", 65.0)]


def test_control_units_that_answer_at_once_are_kept_apart() -> None:
    both = [framed(b"\x41" + VALUES["Rpm"][0] + b"\x05" + bytes([t]) + b"\x0d\x01\x2f\x02", ident=i) for i, t in UNITS]
    frames = [frame for pair in zip(*both, strict=True) for frame in pair]
    rows = long(frames, bindings(OBD)).filter(signal="Coolant").sort("source_address")
    assert rows.select("source_address", "value").rows() == [(0x10, 10.0), (0x18, 20.0)]


UNITS = ((0x18DAF110, 50), (0x18DAF118, 60))


def test_an_answer_with_several_parameters_states_its_head_once() -> None:
    frames = framed(b"\x41\x05\x7b\x0c\x17\x70\x0d\x09\x2f\x80")
    rows = long(frames, bindings(OBD))
    assert rows.select("signal", "value").rows() == [
        ("Coolant", 83.0), ("Fuel", 128.0), ("Length", 10.0), ("Pid", 5.0), ("Rpm", 1500.0), ("Service", 1.0),
        ("Speed", 9.0),
    ]  # fmt: skip
    assert rows["entry_id"].unique().to_list() == ["000001"]


@settings(max_examples=80, deadline=None)
@given(
    st.permutations(list(VALUES)), st.integers(1, 6), st.sampled_from([8, 12, 20, 64]),
    st.sampled_from([0x7E8, 0x7EA, 0x18DAF110, 0x18DA3311]), st.sampled_from([b"\x00", b"\x55", b"\xaa", b"\xff"]),
)  # fmt: skip
def test_any_parameters_in_any_order_and_any_frames_are_all_read(
    names: list[str], count: int, size: int, ident: int, filling: bytes
) -> None:
    answer = b"\x41" + b"".join(VALUES[name][0] for name in names[:count])
    decoded = decode(raw_can(framed(answer, size, ident, filling=filling)), bindings(OBD))
    assert values(framed(answer, size, ident, filling=filling)) == {name: VALUES[name][1] for name in names[:count]}
    assert (decoded.counts.short_payloads, decoded.counts.incomplete, decoded.counts.unknown_parameters) == (0, 0, 0)


@settings(max_examples=40, deadline=None)
@given(st.permutations(list(VALUES)), st.integers(1, 4), st.integers(0, 4))
def test_an_unknown_parameter_ends_what_can_be_read_and_is_counted(names: list[str], count: int, place: int) -> None:
    before, behind = names[: min(place, count)], names[min(place, count) : count]
    answer = b"\x41" + b"".join(VALUES[n][0] for n in before) + b"\xf7\x01" + b"".join(VALUES[n][0] for n in behind)
    decoded = decode(raw_can(framed(answer)), bindings(OBD))
    assert values(framed(answer)) == {name: VALUES[name][1] for name in before}
    assert decoded.counts.unknown_parameters == 1


def test_a_parameter_the_database_leaves_out_is_passed_over_by_its_length() -> None:
    assert values(framed(b"\x41\x10\x0d\xff\x0d\x09")) == {"Speed": 9.0}


def test_a_parameter_that_comes_twice_ends_what_can_be_read() -> None:
    decoded = decode(raw_can(framed(b"\x41\x0d\x09\x0d\x0a")), bindings(OBD))
    assert values(framed(b"\x41\x0d\x09\x0d\x0a")) == {"Speed": 9.0}
    assert decoded.counts.unknown_parameters == 1


def test_a_value_that_is_cut_is_null_and_counted() -> None:
    frames = [Frame(0x7E8, b"\x06\x41\x0d\x09\x0c\x17")]
    assert values(frames) == {"Speed": 9.0, "Rpm": None}
    assert decode(raw_can(frames), bindings(OBD)).counts.short_payloads == 1


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (b"\x41\x06\x80", {"Trim": 128.0, "Trim3": None}),
        (b"\x41\x06\x80\x81", {"Trim": 128.0, "Trim3": 129.0}),
        (b"\x41\x06\x80\x0d\x09", {"Trim": 128.0, "Trim3": None, "Speed": 9.0}),
        (b"\x41\x06\x80\x81\x0d\x09", {"Trim": 128.0, "Trim3": 129.0, "Speed": 9.0}),
    ],
)
def test_fuel_trims_have_one_byte_or_two(answer: bytes, wanted: dict[str, float | None]) -> None:
    assert values(framed(answer)) == wanted


def test_an_answer_that_some_tool_put_together_is_read_alike() -> None:
    whole = b"\x0a\x41\x05\x7b\x0c\x17\x70\x0d\x09\x2f\x80"
    assert values([Frame(0x7E8, whole)]) == {"Coolant": 83.0, "Rpm": 1500.0, "Speed": 9.0, "Fuel": 128.0}
