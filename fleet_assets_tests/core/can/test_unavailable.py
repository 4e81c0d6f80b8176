"""Codes that say there is no value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.core.can.unavailable import CodeLimit, j1939_limit, nmea_limit
from fleet_assets_tests.core.can.frames import Frame, bindings, dbc, long

TRUCK = dbc(
    'BO_ 2566844926 CCVS1: 8 X\n SG_ Speed : 8|16@1+ (0.00390625,0) [0|0] "km/h" X\n'
    ' SG_ Brake : 28|2@1+ (1,0) [0|0] "" X\n SG_ Level : 40|8@1+ (0.4,0) [0|0] "%" X',
    'VAL_ 2566844926 Brake 0 "Released" 1 "Pressed" 2 "Error" 3 "Not available" ;',
)


def values(data: bytes) -> dict[str, tuple[float | None, str | None]]:
    rows = long([Frame(0x18FEF100, data, extended=True)], bindings(TRUCK))
    return {name: (value, text) for name, value, text in rows.select("signal", "value", "text").iter_rows()}


def test_not_available_is_null_and_keeps_its_name() -> None:
    assert values(b"\xff" * 8) == {"Speed": (None, None), "Brake": (None, "Not available"), "Level": (None, None)}


def test_the_last_valid_codes_are_values() -> None:
    found = values(bytes([0xFF, 0xFF, 0xFA, 0x10, 0xFF, 0xFA, 0xFF, 0xFF]))
    assert found == {"Speed": (0xFAFF / 256, None), "Brake": (1.0, "Pressed"), "Level": (100.0, None)}


@pytest.mark.parametrize("first", [0xFB, 0xFE, 0xFF])
def test_codes_above_are_none(first: int) -> None:
    assert values(bytes([0xFF, 0x00, first, 0x20, 0xFF, first, 0xFF, 0xFF])) == {
        "Speed": (None, None), "Brake": (None, "Error"), "Level": (None, None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("length", "highest"), [(8, 0xFA), (16, 0xFAFF), (24, 0xFAFFFF), (32, 0xFAFFFFFF), (10, 1003), (12, 0xFAF), (4, 13)]
)
def test_limits_of_j1939_by_width(length: int, highest: int) -> None:
    assert j1939_limit(length, {}) == CodeLimit(highest)


def test_one_bit_has_no_room_for_codes() -> None:
    assert j1939_limit(1, {}) is None


def test_a_code_that_names_a_state_is_one() -> None:
    assert j1939_limit(2, {2: "Blinking", 3: "Steady"}) is None
    assert j1939_limit(2, {2: "Error", 3: "Steady"}) == CodeLimit(3, hole=2)
    assert j1939_limit(2, {2: "Blinking"}) == CodeLimit(2)


COUNTED = dbc(
    'BO_ 2566844926 CCVS1: 8 X\n SG_ Counter : 0|16@1+ (1,0) [0|65535] "" X\n SG_ State : 16|4@1+ (1,0) [0|15] "" X\n'
    ' SG_ Pair : 20|2@1+ (1,0) [0|3] "" X\n SG_ Speed : 24|16@1+ (0.00390625,0) [0|255.996] "km/h" X\n'
    ' SG_ Gear : 40|8@1+ (1,-125) [-125|125] "" X\n SG_ Unsaid : 48|8@1+ (1,0) [0|0] "" X',
    'VAL_ 2566844926 Gear 251 "Park" 253 "Fault" 254 "Error" 255 "Not available" ;',
)


def counted(data: bytes) -> dict[str, float | None]:
    rows = long([Frame(0x18FEF100, data, extended=True)], bindings(COUNTED))
    return dict(rows.select("signal", "value").iter_rows())


def test_a_counter_or_state_keeps_the_codes_that_its_range_names() -> None:
    assert counted(b"\xff\xff\x3f\xff\xff\xff\xff") == {
        "Counter": 65535.0, "State": 15.0, "Pair": None, "Speed": None, "Gear": None, "Unsaid": None,
    }  # fmt: skip
    assert counted(b"\x00\xfb\x2e\x00\xfb\xfb\xfb") == {
        "Counter": 64256.0, "State": 14.0, "Pair": None, "Speed": None, "Gear": 126.0, "Unsaid": None,
    }  # fmt: skip


@given(st.integers(2, 32), st.data())
def test_a_named_state_is_a_value_and_a_named_error_is_none(length: int, data: st.DataObject) -> None:
    """Whatever else the standard, the range and the table say of the codes around it."""
    top = (1 << length) - 1
    names = st.sampled_from(["State", "Error"])
    codes = data.draw(st.dictionaries(st.integers(max(top - 6, 0), top), names, max_size=5))
    in_range = data.draw(st.none() | st.integers(max(top - 9, 0), top))
    last = (0xFB << (length - 8)) - 1 if length >= 8 else top - 2
    if length > 16 and in_range is not None:
        in_range = None
    limit = j1939_limit(length, codes, in_range)
    for code in range(max(top - 12, 0), top + 1):
        is_none = limit is not None and ((code > limit.highest and code not in limit.named) or code == limit.hole)
        is_in_range = length > 2 and in_range is not None and code <= in_range
        wanted = codes.get(code) != "State" and (codes.get(code) == "Error" or not is_in_range) and code > last
        assert is_none == wanted, (code, limit)


def test_floating_point_numbers_have_no_codes() -> None:
    text = dbc('BO_ 2566844926 M: 8 X\n SG_ F : 0|32@1- (1,0) [0|0] "" X', "SIG_VALTYPE_ 2566844926 F : 1;")
    frame = Frame(0x18FEF100, b"\xff\xff\x7f\xff" + bytes(4), extended=True)
    assert long([frame], bindings(text))["value"].to_list() == [-3.4028234663852886e38]


def test_nmea_codes() -> None:
    assert nmea_limit(16, False, {}) == CodeLimit(0xFFFD)
    assert nmea_limit(16, True, {}) == CodeLimit(0x7FFD)
    assert nmea_limit(2, False, {}) == CodeLimit(2)


def test_a_bus_without_j1939_has_no_such_codes() -> None:
    text = dbc('BO_ 100 M: 1 X\n SG_ S : 0|8@1+ (1,0) [0|0] "" X')
    assert long([Frame(100, b"\xff")], bindings(text))["value"].to_list() == [255.0]
