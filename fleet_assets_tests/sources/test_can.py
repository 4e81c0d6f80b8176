"""CAN frames to telemetry rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fleet_assets
from fleet_assets.contracts import TELEMETRY, check_frame
from fleet_assets.core.can import Bindings, bind, compile_database
from fleet_assets.sources.can import CanTelemetry, telemetry_from_can
from fleet_assets.sources.signal_map import SignalMap, load_signal_maps
from fleet_assets_tests.core.can.frames import START, Frame, bindings, dbc, raw_can
from fleet_assets_tests.core.can.test_recordings import log

PACKAGE = Path(fleet_assets.__file__).parent
MAPS = load_signal_maps([path.read_text() for path in sorted((PACKAGE / "sources" / "signal_maps").glob("*.yaml"))])

BUS = dbc(
    'BO_ 1 A: 8 X\n SG_ Speed : 0|8@1+ (1,0) [0|0] "m/s" X\n SG_ Level : 8|8@1+ (1,0) [0|0] "%" X\n'
    ' SG_ Push : 16|8@1- (1,0) [0|0] "m/s2" X\n SG_ Rate : 24|8@1+ (1,0) [0|0] "" X\n'
    ' SG_ Key : 32|2@1+ (1,0) [0|0] "" X\n'
    ' SG_ Odd : 40|8@1+ (1,0) [0|0] "V" X'
)
MAP = load_signal_maps([
    "signals:\n  - {message: A, signal: Speed, column: speed_kmh}\n"
    "  - {message: A, signal: Level, column: fuel_level_pct}\n"
    "  - {message: A, signal: Push, column: acceleration_ms2}\n"
    "  - {message: A, signal: Rate, column: fuel_rate_lph, unit: gph}\n"
    "  - {message: A, signal: Key, column: is_ignition_on, true_values: [2]}\n"
])  # fmt: skip


def shipped(name: str) -> str:
    return (PACKAGE / "dbc" / f"{name}.dbc").read_text()


def run(frames: list[Frame], bound: Bindings, signal_map: SignalMap = MAP, grid: int = 1) -> CanTelemetry:
    result = telemetry_from_can(raw_can(frames), bound, signal_map, grid)
    check_frame(TELEMETRY, result.frame)
    return result


def rows(result: CanTelemetry, *columns: str) -> list[tuple[object, ...]]:
    return result.frame.select(columns).rows()


def test_each_kind_of_quantity_is_reduced_by_its_rule() -> None:
    frames = [
        Frame(1, bytes([10, 50, 3, 1, 0, 0, 0, 0]), at=0.1), Frame(1, bytes([20, 90, 0xFB, 2, 2, 0, 0, 0]), at=0.5),
        Frame(1, bytes([15, 60, 4, 6, 2, 0, 0, 0]), at=0.9), Frame(1, bytes([1, 2, 3, 4, 1, 0, 0, 0]), at=1.0),
    ]  # fmt: skip
    result = run(frames, bindings(BUS))
    assert rows(result, "speed_kmh", "fuel_level_pct", "acceleration_ms2", "is_ignition_on") == [
        (54.0, 60.0, -5.0, True), (3.6, 2.0, 3.0, False),
    ]  # fmt: skip
    assert result.frame["fuel_rate_lph"].to_list() == pytest.approx([3 * 3.785411784, 4 * 3.785411784])
    assert rows(result, "vehicle_id", "recorded_at", "received_at", "source") == [
        ("v1", START, START + timedelta(seconds=1.9), "can"),
        ("v1", START + timedelta(seconds=1), START + timedelta(seconds=2), "can"),
    ]  # fmt: skip


def test_a_grid_of_zero_keeps_every_instant() -> None:
    frames = [Frame(1, bytes([k, 0, 0, 0, 0, 0, 0, 0]), at=k / 10) for k in range(3)]
    assert [row[0] for row in rows(run(frames, bindings(BUS), grid=0), "speed_kmh")] == [0.0, 3.6, 7.2]


def test_the_last_of_one_instant_is_by_entry() -> None:
    frames = [Frame(1, bytes([1] + [0] * 7)), Frame(1, bytes([2] + [0] * 7))]
    first = telemetry_from_can(raw_can(frames), bindings(BUS), MAP, 1).frame
    assert telemetry_from_can(raw_can(frames).reverse(), bindings(BUS), MAP, 1).frame.equals(first)
    assert first["speed_kmh"].to_list() == [7.2]


def test_no_frame_gives_no_row() -> None:
    assert run([], bindings(BUS)).frame.equals(TELEMETRY.empty())


def test_a_frame_without_a_mapped_value_gives_no_row() -> None:
    result = run([Frame(1, b""), Frame(2, bytes(8))], bindings(BUS))
    assert (result.frame.height, result.counts.decoded, result.counts.unknown_id, result.counts.rows) == (0, 1, 1, 0)


def test_a_unit_that_does_not_fit_is_a_sentence_and_no_value() -> None:
    wrong = load_signal_maps(["signals:\n  - {message: A, signal: Odd, column: speed_kmh, unit: km/h}\n"])
    result = run([Frame(1, bytes(8))], bindings(BUS), wrong)
    assert result.counts.problems == ("d0: A.Odd has the unit V, which does not fit speed_kmh",)
    assert result.frame.is_empty()


def test_a_missing_judge_is_a_sentence() -> None:
    wrong = load_signal_maps(["signals:\n  - {message: A, signal: Speed, column: speed_kmh, when: {Valid: 1}}\n"])
    result = run([Frame(1, bytes(8))], bindings(BUS), wrong)
    assert result.counts.problems == ("d0: A has no signal Valid to judge speed_kmh by",)


def ccvs(speed: float, sender: int, at: float = 0.0) -> Frame:
    raw = round(speed * 256) if speed >= 0 else 0xFFFF
    return Frame(0x18FEF100 | sender, b"\xff" + raw.to_bytes(2, "little") + b"\xff" * 5, at=at, extended=True)


def test_one_sender_is_chosen_by_the_declared_order_and_never_mixed() -> None:
    frames = [frame for k in range(5) for frame in (ccvs(80, 0, k), ccvs(81, 49, k + 0.5))]
    assert rows(run(frames, bindings(shipped("j1939")), MAPS), "speed_kmh") == [(80.0,)] * 5


def test_a_sender_without_valid_values_is_passed_over() -> None:
    frames = [frame for k in range(5) for frame in (ccvs(-1, 0, k), ccvs(81, 49, k + 0.5))]
    result = run(frames, bindings(shipped("j1939")), MAPS)
    assert rows(result, "speed_kmh") == [(81.0,)] * 5
    assert result.nulled.rows() == [("speed_kmh", "error or not available on the bus", 5)]


def test_a_sender_with_a_single_value_does_not_silence_the_others() -> None:
    frames = [ccvs(10, 0), *(ccvs(81, 49, k) for k in range(20))]
    assert rows(run(frames, bindings(shipped("j1939")), MAPS), "speed_kmh") == [(81.0,)] * 20


def test_the_fine_odometer_goes_before_the_coarse_one() -> None:
    fine = Frame(0x18FEC1EE, (20_000_123).to_bytes(4, "little") + b"\xff" * 4, extended=True)
    coarse = Frame(0x18FEE000, b"\xff" * 4 + (800_000).to_bytes(4, "little"), extended=True)
    assert rows(run([fine, coarse], bindings(shipped("j1939")), MAPS), "odometer_km") == [(100_000.615,)]
    assert rows(run([coarse], bindings(shipped("j1939")), MAPS), "odometer_km") == [(100_000.0,)]


def test_known_frames_of_j1939() -> None:
    frames = [
        Frame(0x18FEE900, bytes.fromhex("01000000e8030000"), extended=True),
        Frame(0x0CF00400, bytes.fromhex("ffffff401fffffff"), extended=True),
        Frame(0x18FEFC17, bytes.fromhex("ff7dffffffffffff"), extended=True),
        Frame(0x18FEEE00, bytes.fromhex("7dff0024ffffffff"), extended=True),
        Frame(0x18FEF700, bytes.fromhex("ffffffff1802ffff"), extended=True),
    ]
    columns = [
        "fuel_used_total_l",
        "engine_speed_rpm",
        "fuel_level_pct",
        "coolant_temp_c",
        "oil_temp_c",
        "supply_voltage_v",
    ]
    assert rows(run(frames, bindings(shipped("j1939")), MAPS), *columns) == [(500.0, 1000.0, 50.0, 85.0, 15.0, 26.8)]


def test_known_answers_of_obd2() -> None:
    answers = ["03410d32", "04410c1af8", "03415bff", "03412f80", "0441423070", "0641a60001e240", "03410400"]
    frames = [Frame(0x7E8, bytes.fromhex(answer).ljust(8, b"\xaa"), at=k / 10) for k, answer in enumerate(answers)]
    found = run(frames, bindings(shipped("obd2")), MAPS).frame.row(0, named=True)
    assert (found["speed_kmh"], found["engine_speed_rpm"], found["soc_pct"]) == (50.0, 1726.0, 100.0)
    assert (found["fuel_level_pct"], found["supply_voltage_v"]) == (pytest.approx(50.196, abs=1e-3), 12.4)
    assert (found["odometer_km"], found["engine_load_pct"]) == (pytest.approx(12_345.6), 0.0)


def gnss(valid: bool, latitude: float, longitude: float, at: float) -> Frame:
    bits = int(valid) | round((latitude + 90) * 1e6) << 1 | round((longitude + 180) * 1e6) << 29
    return Frame(3, bits.to_bytes(8, "little"), at=at)


def test_a_position_counts_only_while_the_device_calls_it_valid() -> None:
    frames = [gnss(True, 56.1, 10.2, 0.1), gnss(False, 57.0, 11.0, 0.9), gnss(False, 57.0, 11.0, 1.2)]
    result = run(frames, bindings(shipped("canmod_gps")), MAPS)
    assert rows(result, "latitude_deg", "longitude_deg") == [(pytest.approx(56.1), pytest.approx(10.2))]
    assert result.nulled.rows() == [
        (column, "the device calls it invalid", 2) for column in ("latitude_deg", "longitude_deg")
    ]


ODOMETER = dbc('BO_ 1 A: 8 X\n SG_ Total : 0|16@1+ (0.1,0) [0|0] "km" X')
ODOMETER_MAP = load_signal_maps(["signals:\n  - {message: A, signal: Total, column: odometer_km}\n"])


def total(km: float, bus: str, at: float) -> Frame:
    return Frame(1, round(km * 10).to_bytes(2, "little").ljust(8, b"\0"), at=at, bus=bus)


@pytest.mark.parametrize("order", [1, -1])
def test_the_odometers_of_two_buses_are_never_mixed(order: int) -> None:
    frames = [total(1000 + k / 10 + offset, bus, k + late) for k in range(5)
              for bus, offset, late in (("c0", 0, 0.5), ("c1", 0.4, 0.1 if k % 2 else 0.9))]  # fmt: skip
    result = run(frames[::order], bindings(ODOMETER), ODOMETER_MAP)
    assert result.frame["odometer_km"].to_list() == pytest.approx([1000 + k / 10 for k in range(5)])


def test_a_bus_with_next_to_no_values_is_passed_over() -> None:
    frames = [total(1, "c0", 0), *(total(2, "c1", k) for k in range(20))]
    assert rows(run(frames, bindings(ODOMETER), ODOMETER_MAP), "odometer_km") == [(2.0,)] * 20


def test_each_vehicle_has_a_bus_of_its_own() -> None:
    frames = [total(1, "c0", 0), total(2, "c1", 0), replace(total(3, "c1", 0), vehicle="v2")]
    pairs = pl.DataFrame({"vehicle_id": ["v1", "v2"], "bus": ["*", "*"], "dbc": ["d0", "d0"]})
    bound = bind(pairs, {"d0": compile_database(ODOMETER, "d0")})
    assert rows(run(frames, bound, ODOMETER_MAP), "vehicle_id", "odometer_km") == [("v1", 1.0), ("v2", 3.0)]


def test_the_sender_goes_before_the_bus() -> None:
    frames = [replace(ccvs(81, 49), bus="c0"), replace(ccvs(80, 0), bus="c1")]
    assert rows(run(frames, bindings(shipped("j1939")), MAPS), "speed_kmh") == [(80.0,)]


def place_dbc(longitude_unit: str) -> str:
    return dbc(
        'BO_ 1 P: 8 X\n SG_ Lat : 0|8@1+ (1,0) [0|0] "deg" X\n'
        f' SG_ Lon : 8|8@1+ (1,0) [0|200] "{longitude_unit}" X\n SG_ Ok : 16|8@1+ (1,0) [0|0] "" X'
    )


PLACE_MAP = load_signal_maps([
    "signals:\n  - {message: P, signal: Lat, column: latitude_deg}\n"
    "  - {message: P, signal: Lon, column: longitude_deg, when: {Ok: 1}}\n"
])  # fmt: skip


def test_the_faulty_database_of_one_vehicle_takes_no_position_from_another() -> None:
    frames = [
        Frame(1, bytes([50, 10, 1, 0, 0, 0, 0, 0]), vehicle=name, at=k) for k in range(2) for name in ("v1", "v2")
    ]
    databases = {"good": compile_database(place_dbc("deg"), "good"), "bad": compile_database(place_dbc("km"), "bad")}
    pairs = pl.DataFrame({"vehicle_id": ["v1", "v2"], "bus": ["*", "*"], "dbc": ["good", "bad"]})
    result = run(frames, bind(pairs, databases), PLACE_MAP)
    assert rows(result, "vehicle_id", "latitude_deg", "longitude_deg") == [("v1", 50.0, 10.0)] * 2
    assert result.nulled.rows() == [("latitude_deg", "a position lacks its other half", 2)]
    assert result.counts.problems == ("bad: P.Lon has the unit km, which does not fit longitude_deg",)


def test_half_a_position_is_none_and_counted() -> None:
    frames = [Frame(1, bytes([50, 10, ok, 0, 0, 0, 0, 0]), at=ok) for ok in (0, 1)]
    result = run(frames, bindings(place_dbc("deg")), PLACE_MAP)
    assert rows(result, "recorded_at", "latitude_deg") == [(START + timedelta(seconds=1), 50.0)]
    assert result.nulled.rows() == [
        ("latitude_deg", "a position lacks its other half", 1), ("longitude_deg", "the device calls it invalid", 1),
    ]  # fmt: skip


def test_positions_of_two_buses_are_never_mixed() -> None:
    frames = [Frame(1, bytes([50 + n, 10 + n, 1, 0, 0, 0, 0, 0]), at=k + n / 2, bus=f"c{n}") for k in range(3)
              for n in (0, 1)]  # fmt: skip
    result = run(frames, bindings(place_dbc("deg")), PLACE_MAP)
    assert rows(result, "latitude_deg", "longitude_deg") == [(50.0, 10.0)] * 3


def test_vehicles_do_not_share_cells_nor_senders() -> None:
    frames = [Frame(1, bytes([10] + [0] * 7), vehicle="v1"), Frame(1, bytes([20] + [0] * 7), vehicle="v2")]
    database = compile_database(BUS, "d0")
    pairs = pl.DataFrame({"vehicle_id": ["v1", "v2"], "bus": ["*", "*"], "dbc": ["d0", "d0"]})
    assert rows(run(frames, bind(pairs, {"d0": database})), "vehicle_id", "speed_kmh") == [("v1", 36.0), ("v2", 72.0)]


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            Frame,
            id=st.just(1),
            data=st.binary(max_size=8),
            at=st.floats(0, 5),
            dlc=st.just(8),
            bus=st.sampled_from(["c0", "c1"]),
        ),
        max_size=25,
    ),
    st.integers(0, 1000),
)
def test_the_order_of_arrival_never_shows(frames: list[Frame], seed: int) -> None:
    whole = raw_can(frames)
    shuffled = whole.sample(fraction=1, shuffle=True, seed=seed)
    first = telemetry_from_can(whole, bindings(BUS), MAP, 1)
    assert telemetry_from_can(shuffled, bindings(BUS), MAP, 1).frame.equals(first.frame)


def test_a_commute_with_a_gps_on_the_bus(real_data: Path) -> None:
    folder = real_data / "css_mf4"
    logs = pl.concat([
        log(path).with_columns(entry_id=pl.lit(path.stem) + pl.col("entry_id"))
        for path in sorted((folder / "day164").glob("*.MF4"))
    ])  # fmt: skip
    database = compile_database((folder / "dbc" / "canmod-gps.dbc").read_text(), "canmod-gps")
    pairs = pl.DataFrame({"vehicle_id": ["v1"], "bus": ["*"], "dbc": ["canmod-gps"]})
    result = telemetry_from_can(logs, bind(pairs, {"canmod-gps": database}), MAPS, 1)
    check_frame(TELEMETRY, result.frame)
    without_fix = result.frame.filter(pl.col("altitude_m").is_null())
    assert (result.frame.height, without_fix.height) == (2272, 111)
    assert without_fix.select("latitude_deg", "longitude_deg").null_count().row(0) == (111, 111)
    assert result.frame.filter(pl.col("latitude_deg").is_not_null() & (pl.col("altitude_m") < 0)).is_empty()
    # The distance counter of the device; the receiver lies on its side, so that its X axis is no longitudinal one.
    assert result.frame["odometer_km"].max() == 40.579
    assert result.frame["acceleration_ms2"].null_count() == result.frame.height
