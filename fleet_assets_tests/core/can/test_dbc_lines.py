"""DBC files outside of their format: what is left out is named, and gives no value."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.can import compile_database
from fleet_assets.core.can.dbc_lines import check_lines
from fleet_assets_tests.core.can.frames import Frame, bindings, dbc, signals

FINE = ' SG_ Fine : 56|8@1+ (1,0) [0|255] "" X'


def dropped(signal: str, *more: str, length: int = 8) -> tuple[str, ...]:
    return compile_database(dbc(f"BO_ 9 M: {length} X\n {signal}\n{FINE}", *more), "d").dropped


@pytest.mark.parametrize(
    ("signal", "why"),
    [
        ('SG_ A : 0|32@2- (1,0) [0|0] "kW" X', "its byte order is 2, and the format has 0 and 1"),
        ('SG_ A : 0|64@3- (1,0) [0|0] "kW" X', "its byte order is 3"),
        ('SG_ A : 0|32@-1+ (1,0) [0|0] "kW" X', "its byte order is -1"),
        ('SG_ A : -8|16@1+ (1,0) [0|0] "kW" X', "its first bit is -8, which is no count of bits"),
        ('SG_ A : 0|8.5@1+ (1,0) [0|0] "kW" X', "its length is 8.5, which is no count of bits"),
        ('SG_ A : 0|-8@1+ (1,0) [0|0] "kW" X', "its length is -8, which is no count of bits"),
        ('SG_ A : 0|32@1.0+ (1,0) [0|0] "kW" X', "its byte order is 1.0"),
        ('SG_ A : 0|0@1+ (1,0) [0|0] "" X', "it has 0 bits"),
        ('SG_ A : 0|65@1+ (1,0) [0|0] "" X', "it has 65 bits"),
        ('SG_ A : 0|4000000000@1+ (1,0) [0|0] "" X', "it has 4000000000 bits"),
        ('SG_ A : 4000000000|8@1+ (1,0) [0|0] "" X', "it begins behind the message's 8 bytes"),
        ('SG_ A : 60|8@1+ (1,0) [0|0] "" X', "it ends behind the message's 8 bytes"),
        ('SG_ A : 2|8@0+ (1,0) [0|0] "" X', ""),
        ('SG_ A : 58|16@0+ (1,0) [0|0] "" X', "it ends behind the message's 8 bytes"),
        ('SG_ A : 0|8@1+ (0,5) [0|0] "" X', "its factor is 0"),
        ('SG_ A : 0|8@1+ (NaN,0) [0|0] "" X', "its factor or offset is no number"),
        ('SG_ A m0 : 0|8@1+ (1,0) [0|0] "" X', "it is multiplexed, and the message has no selectors"),
        ('SG_ A : 0|8@1+ (1,0) [0|0] "" X\n SG_ A : 8|8@1+ (1,0) [0|0] "" X', "a signal of that name stands above it"),
    ],
)
def test_a_signal_that_cannot_be_what_it_says_is_named(signal: str, why: str) -> None:
    found = dropped(signal)
    assert len(found) == bool(why)
    assert not why or found[0].startswith(f"signal M.A: {why}")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("SIG_VALTYPE_ 9 A : 3;", "its type of number is not understood"),
        ("SIG_VALTYPE_ 9 A 1;", "its type of number is not understood"),
        ("SG_MUL_VAL_ 9 A S 0-50000000;", "it is selected by more values than a selector has"),
        ("SG_MUL_VAL_ 9 A S 7-2;", "it is selected by more values than a selector has"),
        ("SG_MUL_VAL_ 9 A S;", "what selects it is not understood"),
        ("SG_MUL_VAL_ 9 A Gone 0-1;", "its selector Gone is not in the message"),
    ],
)
def test_a_signal_whose_other_lines_are_not_understood_is_named(line: str, why: str) -> None:
    signal = 'SG_ S M : 32|8@1+ (1,0) [0|0] "" X\n SG_ A m0 : 0|32@1+ (1,0) [0|0] "" X'
    found = dropped(signal, line)
    assert [sentence.split(" (")[0] for sentence in found] == [f"signal M.A: {why}"]


def test_signals_of_two_selectors_are_told_apart_only_where_the_file_does() -> None:
    selectors = 'SG_ S M : 8|8@1+ (1,0) [0|0] "" X\n SG_ T M : 16|8@1+ (1,0) [0|0] "" X\n'
    signal = selectors + ' SG_ A m0 : 0|8@1+ (1,0) [0|0] "" X'
    assert dropped(signal) == ("signal M.A: it is multiplexed, and the message has 2 selectors to choose from",)
    assert dropped(signal, "SG_MUL_VAL_ 9 A S 0-0;") == ()


def test_the_signals_of_a_selector_that_is_left_out_are_left_out_too() -> None:
    signal = 'SG_ S M : 0|8@2+ (1,0) [0|0] "" X\n SG_ A m0 : 8|8@1+ (1,0) [0|0] "" X'
    assert [sentence.split(":")[0] for sentence in dropped(signal)] == ["signal M.S", "signal M.A"]


def test_what_is_left_out_gives_no_value_and_the_rest_does() -> None:
    text = dbc('BO_ 256 Inverter: 8 X\n SG_ Power : 0|32@2- (1,0) [-1000|1000] "kW" X\n' + FINE)
    assert signals([Frame(256, bytes.fromhex("0000484100000007"))], bindings(text)) == [("Fine", 7.0)]


def test_a_message_longer_than_any_protocol_carries_is_named() -> None:
    text = dbc(f"BO_ 9 M: 20000000 X\n{FINE}", f"BO_ 10 N: 8 X\n{FINE}")
    database = compile_database(text, "d")
    assert database.dropped == ("message M: it has 20000000 bytes, more than any protocol carries (4096)",)
    assert [message.name for message in database.messages] == ["N"]


def test_lines_within_a_text_are_no_lines_of_the_file() -> None:
    text = dbc(f'BO_ 9 M: 8 X\n{FINE}\n\nCM_ BO_ 9 "as in\nBO_ 9 M: 8 X\n SG_ Power : 0|32@2- (1,0) [0|0] X\nend";')
    assert check_lines(text).text == text
    assert compile_database(text, "d").dropped == ()


def test_lines_of_other_tools_leave_what_all_messages_have_in_common() -> None:
    """A J1939 database that a parser refuses as a whole is still one of J1939."""
    text = dbc(
        'BO_ 2364539648 EEC2: 8 X\n SG_ Pedal : 8|8@1+ (0.4,0) [0|100] "%" X', "OTHER_TOOL_ 7;",
        'BA_DEF_ "ProtocolType" STRING ;\nBA_DEF_DEF_ "ProtocolType" "";\nBA_ "ProtocolType" "J1939";',
    )  # fmt: skip
    assert signals([Frame(0x0CF00321, b"\x00\xff" + bytes(6), extended=True)], bindings(text)) == [("Pedal", None)]


LINES = st.lists(
    st.sampled_from(
        [
            "BO_ 9 M: 8 X", "BO_ 9 M: 99999999999 X", ' SG_ A : 0|8@1+ (1,0) [0|0] "" X',
            ' SG_ B M : 8|99999999@1+ (1,0) [0|0] "" X', ' SG_ C m1 : 99999999|8@0- (1,0) [0|0] "" X', "SG_ broken",
            "SG_MUL_VAL_ 9 C B 0-99999999;", "SIG_VALTYPE_ 9 A : 7;", 'CM_ "', "FOO_ 1;", 'VAL_ 9 A 0 "x" ;', "",
        ]
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_no_text_keeps_the_parser_busy(lines: list[str]) -> None:
    start = time.process_time()
    with contextlib.suppress(FileRejected):
        compile_database(dbc(*lines), "d")
    assert time.process_time() - start < 5
