"""Signal maps: shipped ones, a user's, and the sentences about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

import fleet_assets
from fleet_assets.contracts.errors import ReferenceInvalid
from fleet_assets.core.can import compile_database
from fleet_assets.sources.signal_map import Entry, load_signal_maps

PACKAGE = Path(fleet_assets.__file__).parent
SHIPPED = sorted((PACKAGE / "sources" / "signal_maps").glob("*.yaml"))

SPEED = "signals:\n  - {message: A, signal: Speed, column: speed_kmh, unit: mph}\n"


def problems(*texts: str) -> list[str]:
    with pytest.raises(ReferenceInvalid) as caught:
        load_signal_maps(texts)
    return caught.value.problems


def test_shipped_maps_load_together() -> None:
    found = load_signal_maps([path.read_text() for path in SHIPPED])
    assert {"j1939", "obd2", "canmod"} <= {path.stem for path in SHIPPED}
    assert [entry.message for entry in found.for_column("odometer_km")][:2] != []


@pytest.mark.parametrize(
    ("name", "dbc"),
    [("j1939", "j1939"), ("obd2", "obd2"), ("canmod", "canmod_gps"), ("fms", "j1939"), ("nmea2000", "nmea2000")],
)
def test_shipped_maps_name_signals_of_the_shipped_databases(name: str, dbc: str) -> None:
    path = PACKAGE / "dbc" / f"{dbc}.dbc"
    database = compile_database(path.read_text(), dbc)
    known = {(message.name, signal.name) for message in database.messages for signal in message.signals}
    mapped = load_signal_maps([(PACKAGE / "sources" / "signal_maps" / f"{name}.yaml").read_text()]).entries
    # CCVS is the older name of CCVS1, for databases that still use it.
    assert {entry.key for entry in mapped} - known <= {("CCVS", "WheelBasedVehicleSpeed")}
    assert {signal for entry in mapped for signal in entry.when} <= {signal for _, signal in known}


def test_the_high_resolution_distance_goes_before_the_coarse_one() -> None:
    found = load_signal_maps([(PACKAGE / "sources" / "signal_maps" / "j1939.yaml").read_text()])
    assert [entry.message for entry in found.for_column("odometer_km")] == ["VDHR", "VD"]


def test_both_generations_of_a_loggers_receiver_give_the_same_columns() -> None:
    columns = [
        sorted(str(entry.column) for entry in load_signal_maps([path.read_text()]).entries)
        for path in SHIPPED
        if path.stem in ("canedge", "canmod")
    ]
    assert columns[0] == columns[1]


def test_total_fuel_is_not_trip_fuel() -> None:
    found = load_signal_maps([(PACKAGE / "sources" / "signal_maps" / "j1939.yaml").read_text()])
    assert [entry.signal for entry in found.for_column("fuel_used_total_l")] == ["EngineTotalFuelUsed"]


def test_a_later_map_replaces_and_goes_first() -> None:
    later = (
        "signals:\n  - {message: B, signal: Speed, column: speed_kmh}\n"
        "  - {message: A, signal: Speed, column: gps_speed_kmh, unit: m/s}\n"
    )
    assert load_signal_maps([SPEED, later]).entries == (
        Entry("B", "Speed", "speed_kmh"), Entry("A", "Speed", "gps_speed_kmh", "m/s"),
    )  # fmt: skip


def test_null_switches_an_entry_off() -> None:
    assert load_signal_maps([SPEED, "signals:\n  - {message: A, signal: Speed, column: null}\n"]).entries == ()


def test_options_are_read() -> None:
    text = (
        "signals:\n  - {message: A, signal: Key, column: is_ignition_on, true_values: [2, 3], when: {Valid: 1},"
        " source_addresses: [0, 3]}\n"
    )
    assert load_signal_maps([text]).entries == (
        Entry("A", "Key", "is_ignition_on", None, {"Valid": frozenset({1.0})}, (0, 3), frozenset({2.0, 3.0})),
    )


def test_no_map_maps_nothing() -> None:
    assert load_signal_maps([]).entries == ()
    assert load_signal_maps([""]).entries == ()


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("{message: A, signal: S, column: speed}", "entry 1: speed is no telemetry column that a signal can fill"),
        ("{message: A, signal: S, column: speed_kph}", "(did you mean speed_kmh?)"),
        ("{message: A, signal: S, column: speed_kmh, unit: V}", "V cannot be converted to km/h, the unit of speed_kmh"),
        ("{message: A, signal: S, column: speed_kmh, unit: furlong}", "entry 1: the unit 'furlong' is unknown"),
        ("{message: A, column: speed_kmh}", "entry 1: signal is missing"),
        ("{message: A, signal: S}", "entry 1: column is missing (null switches the signal off)"),
        ("{message: A, signal: S, column: speed_kmh, units: V}", "the key units is unknown (did you mean unit?)"),
        ("{message: A, signal: S, column: speed_kmh, source_addresses: [300]}", "whole numbers from 0 to 253"),
        ("{message: A, signal: S, column: speed_kmh, when: {V: yes please}}", "when must name signals"),
        ("{message: A, signal: S, column: dtc_codes}", "dtc_codes is no telemetry column"),
        ("speed", "entry 1: 'speed' is not a mapping of keys to values"),
        ("{message: A, signal: L, column: latitude_deg}", "message A gives latitude_deg alone"),
    ],
)  # fmt: skip
def test_each_mistake_is_a_sentence(entry: str, sentence: str) -> None:
    found = problems(f"name: mine\nsignals:\n  - {entry}\n")
    assert any(sentence in problem for problem in found), found


def test_a_signal_twice_in_one_map() -> None:
    assert problems(SPEED + SPEED.splitlines()[1]) == ["A.Speed stands there twice"]


@pytest.mark.parametrize("text", ["signals: [", "speed_kmh", "signals: 3"])
def test_what_is_no_map_is_refused(text: str) -> None:
    assert len(problems(text)) == 1
