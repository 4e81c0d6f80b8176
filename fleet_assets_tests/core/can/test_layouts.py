"""Whatever the layout of a message, its values are cantools'."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import cantools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.core.can import compile_database
from fleet_assets_tests.core.can.frames import HEAD, Frame, bindings, dbc, long, signals

SCALES = ["1,0", "0.1,-40", "0.5,0", "2,3", "0.00390625,0", "-1,0", "1e-07,-180", "3,0.5"]


@dataclass(frozen=True)
class Layout:
    """One signal line of a DBC."""

    length: int
    start: int
    big_endian: bool
    signed: bool
    scale: str

    def line(self, name: str, selector: str = "") -> str:
        start = 8 * (self.start // 8) + 7 - self.start % 8 if self.big_endian else self.start
        order, sign = int(not self.big_endian), "-" if self.signed else "+"
        return f' SG_ {name} {selector}: {start}|{self.length}@{order}{sign} ({self.scale}) [0|0] "" X'


def first_message(text: str) -> Any:
    database: Any = cantools.database.load_string(text, "dbc", strict=False)
    return database.messages[0]


@st.composite
def layouts(draw: st.DrawFn, size: int) -> Layout:
    length = draw(st.integers(1, min(64, 8 * size)))
    start = draw(st.integers(0, 8 * size - length))
    return Layout(length, start, draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from(SCALES)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, list[Layout], list[bytes]]:
    size = draw(st.sampled_from([1, 2, 3, 5, 8, 8, 8, 12, 24, 64]))
    found = draw(st.lists(layouts(size), min_size=1, max_size=4))
    payloads = draw(st.lists(st.binary(min_size=0, max_size=size), min_size=1, max_size=6))
    return size, found, [*payloads, bytes(size), b"\xff" * size]


@settings(max_examples=150)
@given(cases())
def test_any_signal_of_any_layout_is_what_cantools_says(case: tuple[int, list[Layout], list[bytes]]) -> None:
    size, found, payloads = case
    for place, layout in enumerate(found):
        # A message a signal: cantools does not decode signals that lie on top of each other.
        text = f"{HEAD}BO_ 291 M: {size} X\n{layout.line('S')}\n"
        reference = first_message(text)
        frames = [Frame(291, data, at=place, fd=True) for data in payloads]
        wanted = [reference.decode(data, decode_choices=False, allow_truncated=True).get("S") for data in payloads]
        assert signals(frames, bindings(text)) == [("S", None if v is None else float(v)) for v in wanted]


@settings(max_examples=60)
@given(st.lists(st.binary(min_size=0, max_size=8), min_size=1, max_size=30))
def test_nested_multiplexing_is_what_cantools_says(payloads: list[bytes]) -> None:
    text = MULTIPLEXED
    reference = first_message(text)
    rows = long([Frame(5, data) for data in payloads], bindings(text))
    for place, data in enumerate(payloads):
        ours = dict(rows.filter(entry_id=f"{place:06d}").drop_nulls("value").select("signal", "value").iter_rows())
        try:
            wanted = reference.decode(data, decode_choices=False, allow_truncated=True)
        except cantools.database.DecodeError:
            # cantools gives the whole message up; what no unknown selector governs is there all the same.
            continue
        assert ours == {name: float(value) for name, value in wanted.items()}


MULTIPLEXED = dbc(
    'BO_ 5 M: 8 X\n SG_ S1 M : 0|2@1+ (1,0) [0|0] "" X\n SG_ S2 m0M : 2|2@1+ (1,0) [0|0] "" X\n'
    ' SG_ A m0 : 8|8@1- (1,0) [0|0] "" X\n SG_ B m1 : 8|8@1+ (1,0) [0|0] "" X\n'
    ' SG_ C m1 : 16|16@1+ (0.1,0) [0|0] "" X\n'
    ' SG_ Z : 56|8@1+ (1,0) [0|0] "" X',
    "SG_MUL_VAL_ 5 S2 S1 0-0;\nSG_MUL_VAL_ 5 A S2 0-1;\nSG_MUL_VAL_ 5 B S2 2-2, 3-3;\nSG_MUL_VAL_ 5 C S1 1-3;",
)


@pytest.mark.parametrize(("length", "kind", "code"), [(32, 1, "<f"), (64, 2, "<d")])
@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -3.25e7, 1e-30, math.inf, math.nan])
def test_floating_point_signals(length: int, kind: int, code: str, value: float) -> None:
    text = dbc(f'BO_ 9 M: 8 X\n SG_ F : 0|{length}@1- (1,0) [0|0] "" X', f"SIG_VALTYPE_ 9 F : {kind};")
    stored = struct.unpack(code, struct.pack(code, value))[0]
    wanted = None if math.isnan(value) else stored
    assert signals([Frame(9, struct.pack(code, value))], bindings(text)) == [("F", wanted)]


def test_whole_numbers_beyond_double_precision_are_rounded_once() -> None:
    text = dbc('BO_ 9 M: 8 X\n SG_ N : 0|64@1+ (3,1) [0|0] "" X')
    data = (2**63 + 12345677).to_bytes(8, "little")
    assert signals([Frame(9, data)], bindings(text)) == [("N", float((2**63 + 12345677) * 3 + 1))]


def test_signals_behind_the_message_are_dropped_with_the_reason() -> None:
    database = compile_database(dbc('BO_ 9 M: 2 X\n SG_ N : 8|16@1+ (1,0) [0|0] "" X'), "d0")
    assert database.dropped == ("signal M.N: it ends behind the message's 2 bytes",)
