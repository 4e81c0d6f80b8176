"""`fleet reference check`, and what an import says of a DBC file it binds."""

from __future__ import annotations

from pathlib import Path

from fleet_assets.installation import Installation
from fleet_assets_tests.fixtures.can_frames import frame_log
from fleet_assets_tests.fixtures.fleet_here import FleetHere

POWER = (
    'VERSION ""\nBU_: ECU\nBO_ 256 Inverter: 8 ECU\n SG_ Power : 0|32@2- (1,0) [-1000|1000] "kW" ECU\n'
    ' SG_ Counter : 32|8@1+ (1,0) [0|255] "" ECU\n'
)
SENTENCE = "signal Inverter.Power: its byte order is 2, and the format has 0 and 1"


def put(installation: Installation, name: str, text: str) -> None:
    path = installation.settings.root / "reference" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_nothing_is_wrong_with_what_is_shipped(fleet_here: FleetHere) -> None:
    done = fleet_here("reference", "check")
    assert (done.code, done.err) == (0, "")
    assert "all can be used" in done.out


def test_each_signal_that_gives_no_value_is_named(installation: Installation, fleet_here: FleetHere) -> None:
    put(installation, "dbc/power.dbc", POWER)
    done = fleet_here("reference", "check")
    assert done.code == 0
    assert f"power.dbc: {SENTENCE}" in done.out
    assert "1 part of DBC files cannot be used as written" in done.out


def test_an_import_names_them_when_it_binds_the_file(fleet_here: FleetHere, tmp_path: Path) -> None:
    (tmp_path / "power.dbc").write_text(POWER)
    frame_log(2).write_parquet(tmp_path / "a.parquet")
    options = ("--source", "can", "--vehicle-id", "v1", "--dbc", tmp_path / "power.dbc")
    done = fleet_here("import", tmp_path / "a.parquet", *options)
    assert done.code == 0
    assert SENTENCE in done.out
    assert SENTENCE in fleet_here("reference", "bind", "v1", "can1", tmp_path / "power.dbc").out


def test_a_binding_says_what_it_did(fleet_here: FleetHere, tmp_path: Path) -> None:
    done = fleet_here("reference", "bind", "v1", "can1", "j1939")
    assert (done.code, done.out) == (0, "j1939 describes bus can1 of v1; run `fleet build` to use it\n")
    (tmp_path / "power.dbc").write_text(POWER)
    for_any = fleet_here("reference", "bind", "v1", "*", tmp_path / "power.dbc")
    assert for_any.out.endswith("power describes every bus of v1 that has no other; run `fleet build` to use it\n")
    unknown = fleet_here("reference", "bind", "v1", "can1", "gone")
    assert (unknown.code, unknown.out) == (2, "")


def test_many_of_them_are_cut_with_a_count(fleet_here: FleetHere, tmp_path: Path) -> None:
    lines = "".join(f' SG_ S{k} : 0|8@2+ (1,0) [0|0] "" ECU\n' for k in range(30))
    (tmp_path / "many.dbc").write_text('VERSION ""\nBU_: ECU\nBO_ 256 M: 8 ECU\n' + lines)
    done = fleet_here("reference", "bind", "v1", "can0", tmp_path / "many.dbc")
    assert (done.out.count("its byte order is 2"), "and 10 more: `fleet reference check`" in done.out) == (20, True)
    assert fleet_here("reference", "check").out.count("its byte order is 2") == 30


def test_what_is_wrong_as_a_whole_gives_exit_code_1(installation: Installation, fleet_here: FleetHere) -> None:
    put(installation, "dbc/notes.dbc", "hello")
    put(installation, "vehicles.csv", "vehicle_id,model_year\nv1,nineteen\n")
    put(installation, "signal_maps/mine.yaml", "signals: [{message: A}]")
    done = fleet_here("reference", "check")
    assert done.code == 1
    for sentence in ("notes: is no DBC file with a readable message", "line 2: model_year", "signal is missing"):
        assert sentence in done.err


def test_a_binding_to_a_file_nobody_has_is_named(installation: Installation, fleet_here: FleetHere) -> None:
    put(installation, "dbc_bindings.csv", "vehicle_id,bus,dbc\nv1,*,gone\n")
    done = fleet_here("reference", "check")
    assert (done.code, "vehicle v1, bus *: there is no DBC file gone" in done.err) == (1, True)
