"""Packing is the inverse of cantools' decoding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.simulator.broadcast import OBD, SIGNALS
from fleet_assets.simulator.packing import messages_of, pack

MESSAGES = [(dbc, name) for dbc, messages in SIGNALS.items() for name in messages if name != OBD]
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=5)


def _bytes(words: np.ndarray[tuple[int], np.dtype[np.uint64]], size: int) -> list[bytes]:
    return [word.tobytes()[:size] for word in words.astype("<u8")]


@pytest.mark.parametrize(("dbc", "name"), MESSAGES)
@given(shares=SHARES)
def test_what_is_packed_decodes_to_within_half_a_step(dbc: str, name: str, shares: list[float]) -> None:
    message = messages_of(dbc)[name]
    signals = [message.get_signal_by_name(signal) for signal in SIGNALS[dbc][name]]
    bounds = {signal.name: (signal.minimum or 0.0, signal.maximum or 0.0) for signal in signals}
    values = {name: np.array([low + share * (high - low) for share in shares]) for name, (low, high) in bounds.items()}
    for row, data in enumerate(_bytes(pack(message, values, len(shares)), message.length)):
        decoded = message.decode_simple(data, decode_choices=False)
        for signal in signals:
            assert (
                abs(decoded[signal.name] - values[signal.name][row]) <= signal.scale / 2 + 1e-9 * bounds[signal.name][1]
            )


@pytest.mark.parametrize("parameter", SIGNALS["obd2"][OBD])
def test_every_obd_parameter_decodes_behind_its_head(parameter: str) -> None:
    message = messages_of("obd2")[OBD]
    signal = message.get_signal_by_name(parameter)
    assert signal.multiplexer_ids is not None
    head = {"Length": 4.0, "Response": 4.0, "Service": 1.0, "ParameterId": float(signal.multiplexer_ids[0])}
    columns = {name: np.array([value]) for name, value in (head | {parameter: 37.0}).items()}
    (data,) = _bytes(pack(message, columns, 1), 8)
    decoded = message.decode_simple(data)
    assert abs(float(str(decoded[parameter])) - 37.0) <= signal.scale / 2
    assert data[1:3] == bytes([0x41, signal.multiplexer_ids[0]])


def test_values_beyond_the_range_stay_at_its_end() -> None:
    message = messages_of("j1939")["CCVS1"]
    words = pack(message, {"WheelBasedVehicleSpeed": np.array([-5.0, 900.0])}, 2)
    speeds = [message.decode_simple(data)["WheelBasedVehicleSpeed"] for data in _bytes(words, 8)]
    assert speeds == pytest.approx([0.0, 250.99609375])


def test_a_missing_value_and_an_unused_signal_are_not_available_on_j1939() -> None:
    words = pack(messages_of("j1939")["DD1"], {"FuelLevel1": np.array([np.nan, 50.0])}, 2)
    assert [data.hex() for data in _bytes(words, 8)] == ["ffffffffffffffff", "ff7dffffffffffff"]


def test_no_values_pack_to_nothing() -> None:
    assert len(pack(messages_of("ev")["DriveStatus"], {"VehicleSpeed": np.zeros(0)}, 0)) == 0


def test_negative_values_keep_their_sign() -> None:
    message = messages_of("ev")["BatteryPower"]
    words = pack(message, {"BatteryPower": np.array([-43.21]), "BatteryCurrent": np.array([-120.5])}, 1)
    decoded = message.decode_simple(_bytes(words, 6)[0])
    assert (decoded["BatteryPower"], decoded["BatteryCurrent"]) == pytest.approx((-43.21, -120.5))
