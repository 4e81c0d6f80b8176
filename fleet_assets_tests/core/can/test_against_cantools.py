"""Every value of every tested database is cantools', bit for bit, on random payloads of every length."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cantools
import opendbc
import pytest

import fleet_assets
from fleet_assets.core.can import CompiledDatabase, Protocol, compile_database
from fleet_assets_tests.core.can.frames import Frame, bindings, long

SHIPPED = sorted((Path(fleet_assets.__file__).parent / "dbc").glob("*.dbc"))
OPENDBC = Path(opendbc.__file__).parent / "dbc"
TOYOTA = sorted((OPENDBC / "generator" / "toyota").glob("*.dbc"))
ROUNDS = 40


def text_of(path: Path) -> str:
    return path.read_text(encoding="cp1252")


@pytest.mark.parametrize("path", SHIPPED + TOYOTA, ids=lambda path: path.stem)
def test_values_equal_cantools(path: Path) -> None:
    assert_equals_cantools(text_of(path))


def test_values_of_real_databases_equal_cantools(real_data: Path) -> None:
    paths = sorted((real_data / "css_mf4" / "dbc").glob("*.dbc"))
    assert paths
    for path in paths:
        assert_equals_cantools(text_of(path))


@pytest.mark.parametrize(
    "name", ["FORD_CADS_64", "hyundai_i30_2014", "gm_global_a_powertrain_expansion", "volvo_v60_2015_pt"]
)
def test_values_of_other_makers_equal_cantools(name: str) -> None:
    path = OPENDBC / f"{name}.dbc"
    if not path.is_file():
        pytest.skip(f"opendbc has no {name}")
    assert_equals_cantools(text_of(path))


def assert_equals_cantools(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = load(text)
    database = compile_database(text, "d0")
    plan = list(payloads(reference, database))
    frames = [Frame(message.frame_id, data, extended=message.is_extended_frame) for message, data in plan]
    got = {
        (int(entry), name): value
        for entry, name, value in long(frames, bindings(text)).select("entry_id", "signal", "value").iter_rows()
    }
    compared = 0
    for row, (message, data) in enumerate(plan):
        wanted = decoded_by_cantools(message, data)
        if wanted is None:
            continue
        ours = database.message_of(message.frame_id, message.is_extended_frame)
        assert ours is not None
        for signal in ours.signals:
            value, expected = got.get((row, signal.name)), wanted.get(signal.name)
            is_code = value is None and signal.limit is not None
            compared += expected is not None
            assert is_code or same(value, expected), f"{message.name}.{signal.name} of {data.hex()}"
    assert compared or not any(message.signals for message in database.messages)


def load(text: str) -> Any:
    return cantools.database.load_string(text, "dbc", strict=False)


def payloads(reference: Any, database: CompiledDatabase) -> Iterator[tuple[Any, bytes]]:
    """Random bytes; every third payload too short; selectors of multiplexed messages get values they know."""
    source = random.Random(5)
    for message in reference.messages:
        ours = database.message_of(message.frame_id, message.is_extended_frame)
        if ours is None or ours.name != message.name:
            continue
        for number in range(ROUNDS):
            length = message.length if number % 3 else source.randint(0, min(message.length, 8))
            data = chosen(message, source.randbytes(message.length), source)[:length]
            if ours.protocol is Protocol.ISO_TP and length <= 8:
                # A single frame of ISO-TP states its length in the first byte, and one byte alone is none.
                data = bytes([max(length, 2) - 1]) + (data[1:] or b"\x41")
            if ours.protocol is not Protocol.NMEA2000 or length > 8:
                yield message, data


def chosen(message: Any, data: bytes, source: random.Random) -> bytes:
    """The payload with a selector value of some multiplexed signal, and with the values it depends on."""
    muxed = [signal for signal in message.signals if signal.multiplexer_ids]
    if not muxed or source.random() < 0.2:
        return data
    signal = source.choice(muxed)
    bits = int.from_bytes(data, "little")
    while signal.multiplexer_ids:
        selector = message.get_signal_by_name(signal.multiplexer_signal)
        bits = with_value(bits, selector, source.choice(list(signal.multiplexer_ids)))
        signal = selector
    return bits.to_bytes(message.length, "little")


def with_value(bits: int, signal: Any, value: int) -> int:
    for place in range(signal.length):
        if signal.byte_order == "little_endian":
            position = signal.start + place
        else:
            network = 8 * (signal.start // 8) + 7 - signal.start % 8 + signal.length - 1 - place
            position = 8 * (network // 8) + 7 - network % 8
        bits = bits & ~(1 << position) | (value >> place & 1) << position
    return bits


def decoded_by_cantools(message: Any, data: bytes) -> dict[str, float] | None:
    """None where cantools gives up on the whole message: unknown selector, signals on top of each other."""
    try:
        return dict(message.decode(data, decode_choices=False, allow_truncated=True))
    except (cantools.database.DecodeError, ValueError):
        return None


def same(value: float | None, expected: float | None) -> bool:
    if value is None or expected is None:
        return value is None and (expected is None or math.isnan(expected))
    return value == float(expected)
