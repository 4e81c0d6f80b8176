"""The DBC files that come with the package: complete, and true to the standards' layouts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import cantools.database
import pytest

SHIPPED = ("j1939", "obd2", "canmod_gps", "ev")


def _load(name: str) -> cantools.database.can.Database:
    text = (files("fleet_assets") / "dbc" / f"{name}.dbc").read_text(encoding="ascii")
    database = cantools.database.load_string(text, database_format="dbc", strict=True)
    assert isinstance(database, cantools.database.can.Database)
    return database


@pytest.mark.parametrize("name", SHIPPED)
def test_every_message_and_signal_says_what_it_is(name: str) -> None:
    for message in _load(name).messages:
        assert message.comment
        for signal in message.signals:
            assert signal.comment, signal.name
            assert signal.minimum is not None, signal.name
            assert signal.maximum is not None, signal.name
            is_a_state = signal.scale == 1 and signal.offset == 0 and signal.length <= 8
            assert signal.unit or is_a_state, signal.name


@pytest.mark.parametrize("name", SHIPPED)
def test_the_stated_range_lies_within_what_the_bits_can_hold(name: str) -> None:
    for message in _load(name).messages:
        for signal in message.signals:
            assert signal.minimum is not None
            assert signal.maximum is not None
            lowest = -(1 << (signal.length - 1)) if signal.is_signed else 0
            highest = (1 << (signal.length - signal.is_signed)) - 1
            steps = [(bound - signal.offset) / signal.scale for bound in (signal.minimum, signal.maximum)]
            assert lowest - 1e-6 <= steps[0] < steps[1] <= highest + 1e-6, signal.name


@pytest.mark.parametrize(
    ("pgn", "payload", "signal", "value"),
    [
        (61444, "FFFFFF401FFFFFFF", "EngineSpeed", 1000.0),
        (61443, "FF7D50FFFFFFFFFF", "EnginePercentLoadAtCurrentSpeed", 80.0),
        (61443, "FF7D50FFFFFFFFFF", "AcceleratorPedalPosition1", 50.0),
        (65265, "FF0050FFFFFFFFFF", "WheelBasedVehicleSpeed", 80.0),
        (65266, "9001000AFFFFFFFF", "EngineFuelRate", 20.0),
        (65266, "9001000AFFFFFFFF", "EngineInstantaneousFuelEconomy", 5.0),
        (65257, "C800000040420F00", "EngineTotalFuelUsed", 500_000.0),
        (65257, "C800000040420F00", "EngineTripFuel", 100.0),
        (65276, "FF7DFFFFFFFF64FF", "FuelLevel1", 50.0),
        (65276, "FF7DFFFFFFFF64FF", "FuelLevel2", 40.0),
        (65248, "FFFFFFFF401F0000", "TotalVehicleDistance", 1000.0),
        (65217, "40420F00FFFFFFFF", "HighResolutionTotalVehicleDistance", 5_000_000.0),
        (65262, "82FF602BFFFFFFFF", "EngineCoolantTemperature", 90.0),
        (65262, "82FF602BFFFFFFFF", "EngineOilTemperature1", 74.0),
        (65263, "FFFFFF64FFFFFFFF", "EngineOilPressure", 400.0),
        (65110, "7DFFFFFFFFFFFFFF", "AftertreatmentDieselExhaustFluidTankLevel", 50.0),
        (65271, "FFFFFFFF1802FFFF", "BatteryPotentialPowerInput1", 26.8),
        (65269, "FFFFFFA024FFFFFF", "AmbientAirTemperature", 20.0),
        (65253, "20030000FFFFFFFF", "EngineTotalHoursOfOperation", 40.0),
        (65244, "1400000028000000", "EngineTotalIdleFuelUsed", 10.0),
        (65244, "1400000028000000", "EngineTotalIdleHours", 2.0),
    ],
)
def test_j1939_values_stand_where_the_standard_puts_them(pgn: int, payload: str, signal: str, value: float) -> None:
    (message,) = [m for m in _load("j1939").messages if m.frame_id >> 8 & 0x3FFFF == pgn]
    decoded = message.decode_simple(bytes.fromhex(payload), scaling=True)
    assert decoded[signal] == pytest.approx(value)
    assert message.protocol == "j1939"


@pytest.mark.parametrize(
    ("payload", "signal", "value"),
    [
        ("04410C1AF8000000", "EngineSpeed", 1726.0),
        ("03410D5000000000", "VehicleSpeed", 80.0),
        ("03410582000000AA", "EngineCoolantTemperature", 90.0),
        ("0441420000000000", "ControlModuleVoltage", 0.0),
        ("04415E0064000000", "EngineFuelRate", 5.0),
        ("03415BFF00000000", "HybridBatteryRemainingLife", 100.0),
        ("03412F80000000AA", "FuelTankLevel", 128 * 100 / 255),
        ("0641A600012345AA", "Odometer", 7456.5),
    ],
)
def test_obd_values_stand_behind_their_parameter(payload: str, signal: str, value: float) -> None:
    decoded = _load("obd2").decode_message(0x7E8, bytes.fromhex(payload))
    assert isinstance(decoded, dict)
    assert set(decoded) == {"Length", "Response", "Service", "ParameterId", signal}
    assert decoded[signal] == pytest.approx(value)


def test_the_receiver_is_laid_out_like_its_makers_file(real_data: Path) -> None:
    theirs = cantools.database.load_file(real_data / "css_mf4" / "dbc" / "canmod-gps.dbc")
    assert isinstance(theirs, cantools.database.can.Database)

    def layout(database: cantools.database.can.Database) -> list[tuple[object, ...]]:
        return sorted(
            (m.frame_id, m.name, m.length, s.name, s.start, s.length, s.scale, s.offset, s.unit or "")
            for m in database.messages
            for s in m.signals
        )

    assert layout(_load("canmod_gps")) == layout(theirs)
