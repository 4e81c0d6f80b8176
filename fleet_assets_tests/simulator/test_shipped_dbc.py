"""The DBC files that come with the package: complete, and true to the standards' layouts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import cantools.database
import pytest

from fleet_assets.core.can import compile_database
from fleet_assets_tests.core.can.frames import Frame, bindings, long
from fleet_assets_tests.core.can.test_answers import framed

SHIPPED = ("j1939", "obd2", "canmod_gps", "ev", "nmea2000")


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
        (61440, "FF4BFFFFFFFFFFFF", "ActualRetarderPercentTorque", -50.0),
        (61441, "DF7DFFFFFFFFFFFF", "AbsActive", 1),
        (61441, "DF7DFFFFFFFFFFFF", "BrakePedalPosition", 50.0),
        (61442, "FF401FFFFFFFFFFF", "OutputShaftSpeed", 1000.0),
        (61445, "8AE80389FFFFFFFF", "CurrentGear", 12),
        (61445, "8AE80389FFFFFFFF", "ActualGearRatio", 1.0),
        (64777, "E803000040420F00", "HighResolutionEngineTripFuel", 1.0),
        (64777, "E803000040420F00", "HighResolutionEngineTotalFuelUsed", 1000.0),
        (65132, "53D1E0CF401F0050", "Driver1WorkingState", 3),
        (65132, "53D1E0CF401F0050", "Driver2WorkingState", 2),
        (65132, "53D1E0CF401F0050", "VehicleMotion", 1),
        (65132, "53D1E0CF401F0050", "Driver1TimeState", 1),
        (65132, "53D1E0CF401F0050", "Driver1Card", 1),
        (65132, "53D1E0CF401F0050", "Driver2Card", 2),
        (65132, "53D1E0CF401F0050", "TachographVehicleSpeed", 80.0),
        (65134, "005000510052FFFF", "RearAxleLeftWheelSpeed", 82.0),
        (65136, "4006A00FFFFFFFFF", "PoweredVehicleWeight", 16_000.0),
        (65136, "4006A00FFFFFFFFF", "GrossCombinationVehicleWeight", 40_000.0),
        (65198, "6DFF6E6FFFFFFFFF", "PneumaticSupplyPressure", 872.0),
        (65198, "6DFF6E6FFFFFFFFF", "ServiceBrakeCircuit1Pressure", 880.0),
        (65198, "6DFF6E6FFFFFFFFF", "ServiceBrakeCircuit2Pressure", 888.0),
        (65215, "0050FFFFFFFFFFFF", "FrontAxleSpeed", 80.0),
        (65216, "FF7D7DFFFFFFFFFF", "ServiceDistance", -10.0),
        (65226, "04FF6400E30AFFFF", "AmberWarningLamp", 1),
        (65226, "04FF6400E30AFFFF", "FirstTroubleSpnLow", 100),
        (65226, "04FF6400E30AFFFF", "FirstTroubleSpnHigh", 7),
        (65226, "04FF6400E30AFFFF", "FirstTroubleMode", 3),
        (65226, "04FF6400E30AFFFF", "FirstTroubleCount", 10),
        (65256, "002D0050FFFF0465", "CompassBearing", 90.0),
        (65256, "002D0050FFFFE856", "Altitude", 281.0),
        (65258, "21204EE803F401FF", "AxleLocation", 0x21),
        (65258, "21204EE803F401FF", "AxleWeight", 10_000.0),
        (65258, "21204EE803F401FF", "TrailerWeight", 2000.0),
        (65258, "21204EE803F401FF", "CargoWeight", 1000.0),
        (65264, "82401F803EFFFFFF", "PtoOilTemperature", 90.0),
        (65264, "82401F803EFFFFFF", "PtoSpeed", 1000.0),
        (65265, "F70050DFFF55E5FF", "ParkingBrakeSwitch", 1),
        (65265, "F70050DDFF55E5FF", "CruiseControlActive", 1),
        (65265, "F70050DFFF55E5FF", "BrakeSwitch", 1),
        (65265, "F70050DFFF55E5FF", "CruiseControlSetSpeed", 85.0),
        (65265, "F70050DFFF55E5FF", "PtoGovernorState", 5),
        (65267, "00CA9A3B80A2A47B", "Latitude", -110.0),
        (65268, "32C8602BFFFFFFFF", "TirePressure", 800.0),
        (65268, "32C8602BFFFFFFFF", "TireTemperature", 74.0),
        (65269, "CAFFFFA02441FFFF", "BarometricPressure", 101.0),
        (65269, "CAFFFFA02441FFFF", "EngineIntakeAirTemperature", 25.0),
        (65270, "FF325AFFFFFFFFFF", "EngineIntakeManifoldPressure", 100.0),
        (65271, "7DFF1C02FFFFFFFF", "NetBatteryCurrent", 0.0),
        (65271, "7DFF1C02FFFFFFFF", "ChargingSystemPotential", 27.0),
    ],
)
def test_j1939_values_stand_where_the_standard_puts_them(pgn: int, payload: str, signal: str, value: float) -> None:
    (message,) = [m for m in _load("j1939").messages if m.frame_id >> 8 & 0x3FFFF == pgn]
    decoded = message.decode_simple(bytes.fromhex(payload), decode_choices=False, scaling=True)
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


@pytest.mark.parametrize(
    ("answer", "signal", "value"),
    [
        ("4101830765FF", "TroubleCodeCount", 3.0),
        ("41020143", "FreezeFrameTroubleCode", 0x0143),
        ("41030200", "FuelSystem1Status", 2.0),
        ("410690", "ShortTermFuelTrimBank1", 12.5),
        ("41079080", "LongTermFuelTrimBank3", 0.0),
        ("410A64", "FuelPressure", 300.0),
        ("410B65", "IntakeManifoldPressure", 101.0),
        ("410E94", "TimingAdvance", 10.0),
        ("41145AFF", "OxygenSensor1Voltage", 0.45),
        ("411C06", "ObdStandard", 6.0),
        ("411E01", "PowerTakeOffStatus", 1.0),
        ("411F0E10", "RunTimeSinceStart", 3600.0),
        ("41210064", "DistanceWithMalfunctionLamp", 100.0),
        ("412203E8", "FuelRailRelativePressure", 79.0),
        ("412303E8", "FuelRailGaugePressure", 10_000.0),
        ("412480002000", "OxygenSensor1WideRatio", 1.0),
        ("412480002000", "OxygenSensor1WideVoltage", 1.0),
        ("413480008100", "OxygenSensor1Current", 1.0),
        ("412C80", "CommandedEgr", 128 * 100 / 255),
        ("413005", "WarmUpsSinceCodesCleared", 5.0),
        ("413103E8", "DistanceSinceCodesCleared", 1000.0),
        ("4132FFF0", "EvaporativeVaporPressure", -4.0),
        ("413365", "BarometricPressure", 101.0),
        ("413C1194", "CatalystTemperatureBank1Sensor1", 410.0),
        ("414300FF", "AbsoluteLoad", 100.0),
        ("41448000", "CommandedEquivalenceRatio", 1.0),
        ("4149FF", "AcceleratorPedalPositionD", 100.0),
        ("414E003C", "TimeSinceCodesCleared", 60.0),
        ("414F00000020", "MostIntakeManifoldPressure", 320.0),
        ("415104", "FuelType", 4.0),
        ("415901F4", "FuelRailAbsolutePressure", 5000.0),
        ("415D6900", "FuelInjectionTiming", 0.0),
        ("4161E1", "DemandedTorque", 100.0),
        ("41630190", "ReferenceTorque", 400.0),
        ("4164827D7D7D7D", "TorqueIdle", 5.0),
        ("41660102000000", "MassAirFlowA", 16.0),
        ("4167017B00", "CoolantTemperature1", 83.0),
        ("41780F119400000000 0000".replace(" ", ""), "ExhaustTemperatureBank1Sensor1", 410.0),
        ("417F0300000E10000007080000 0000".replace(" ", ""), "EngineRunTimeTotal", 3600.0),
        ("417F0300000E10000007080000 0000".replace(" ", ""), "EngineIdleTimeTotal", 1800.0),
        ("41850400000000FF00000000", "ReagentTankLevel", 100.0),
        ("418E7F", "FrictionTorque", 2.0),
        ("419D00640064", "EngineFuelMassRate", 2.0),
        ("419E0064", "ExhaustFlowRate", 20.0),
        ("41A403500BB8", "TransmissionRatio", 3.0),
        ("41A403500BB8", "TransmissionGear", 5.0),
        ("41A50164", "ExhaustFluidDosing", 50.0),
        ("41A600012345", "Odometer", 7456.5),
    ],
)
def test_answers_of_known_parameters_have_the_standards_values(answer: str, signal: str, value: float) -> None:
    text = (files("fleet_assets") / "dbc" / "obd2.dbc").read_text(encoding="ascii")
    frames = framed(bytes.fromhex(answer), ident=0x18DAF110)
    found = dict(long(frames, bindings(text)).select("signal", "value").iter_rows())
    assert found[signal] == pytest.approx(value)


def test_the_length_of_every_described_parameter_is_known() -> None:
    text = (files("fleet_assets") / "dbc" / "obd2.dbc").read_text(encoding="ascii")
    (message,) = compile_database(text, "obd2").messages
    assert message.answers is not None
    for signal in message.signals:
        if signal.selector == "ParameterId":
            sizes = [int(message.answers.sizes[1, pid]) for pid in signal.selector_ids]
            assert min(sizes) >= signal.needed_bytes - 3, signal.name


@pytest.mark.parametrize(
    ("pgn", "payload", "signal", "value"),
    [
        (127488, "00100E0A00FFFFFF", "EngineSpeed", 900.0),
        (129025, "4083E81C40A86AEE", "Latitude", 48.5),
        (129025, "4083E81C40A86AEE", "Longitude", -29.5),
        (129026, "01FC5C3DE803FFFF", "Course", 1.5708),
        (129026, "01FC5C3DE803FFFF", "Speed", 10.0),
        (127505, "00D430E8030000FF", "Level", 50.0),
        (127508, "00B0046400FFFF01", "Voltage", 12.0),
    ],
)
def test_nmea_values_stand_where_public_descriptions_put_them(
    pgn: int, payload: str, signal: str, value: float
) -> None:
    text = (files("fleet_assets") / "dbc" / "nmea2000.dbc").read_text(encoding="ascii")
    found = long([Frame(2 << 26 | pgn << 8 | 7, bytes.fromhex(payload), extended=True)], bindings(text))
    assert dict(found.select("signal", "value").iter_rows())[signal] == pytest.approx(value)


def test_a_position_of_nmea_comes_in_seven_frames_beside_messages_of_j1939() -> None:
    texts = [(files("fleet_assets") / "dbc" / f"{name}.dbc").read_text() for name in ("j1939", "nmea2000")]
    latitude, longitude = int(48.5e16), int(-29.5e16)
    message = bytes([1, 0, 0, 0, 0, 0, 0]) + b"".join(
        n.to_bytes(8, "little", signed=True) for n in (latitude, longitude)
    )
    message += int(300e6).to_bytes(8, "little", signed=True) + bytes([0x13, 0xFC, 9, 100, 0, 120, 0, 0, 0, 0, 0, 0])
    parts = [bytes([len(message)]) + message[:6], *[message[k : k + 7] for k in range(6, len(message), 7)]]
    frames = [
        Frame(0x0DF80507, bytes([0x40 | k]) + part.ljust(7, b"\xff"), at=0.01 * k, extended=True)
        for k, part in enumerate(parts)
    ]
    speed = Frame(0x18FEF100, bytes.fromhex("FF0050FFFFFFFFFF"), at=0.005, extended=True)
    found = dict(long([*frames, speed], bindings(*texts)).drop_nulls("value").select("signal", "value").iter_rows())
    assert found["WheelBasedVehicleSpeed"] == 80.0
    wanted = {"Latitude": 48.5, "Longitude": -29.5, "Altitude": 300.0, "Satellites": 9.0, "Method": 1.0, "Hdop": 1.0}
    assert {name: pytest.approx(found[name]) for name in wanted} == wanted


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
