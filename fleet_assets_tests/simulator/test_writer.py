"""What `write_fleet` leaves on disk: the same for the same plan, and accepted by the platform."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import fleet_assets.simulator
from fleet_assets.contracts import REFERENCE_TABLES
from fleet_assets.core.reference import parse_reference
from fleet_assets.simulator import FleetPlan, write_fleet
from fleet_assets.simulator.signal_maps import SIGNAL_MAPS
from fleet_assets.sources.signal_map import load_signal_maps

PLAN = FleetPlan(vehicles=3, days=2, seed=4, start=date(2025, 3, 4))


def _bytes(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What is written of a plan of three vehicles."""
    folder = tmp_path_factory.mktemp("three")
    write_fleet(PLAN, folder)
    return _bytes(folder)


def _frames(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith("frames")}


def test_equal_plans_give_equal_bytes_and_other_seeds_other_fleets(three: dict[str, bytes], tmp_path: Path) -> None:
    for name, plan in (("same", PLAN), ("other", replace(PLAN, seed=5))):
        write_fleet(plan, tmp_path / name)
    same, other = (_bytes(tmp_path / name) for name in ("same", "other"))
    assert three == same
    assert set(three) == set(other)
    unlike = {name for name in three if three[name] != other[name]}
    assert unlike >= {*_frames(three), "truth/trips.parquet"}


def test_a_larger_fleet_begins_with_the_smaller_one(three: dict[str, bytes], tmp_path: Path) -> None:
    write_fleet(replace(PLAN, vehicles=4), tmp_path)
    four = _frames(_bytes(tmp_path))
    assert (len(_frames(three)), len(four)) == (3, 4)
    assert _frames(three).items() <= four.items()


def test_the_files_are_where_the_platform_looks_for_them(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    write_fleet(replace(PLAN, vehicles=2), tmp_path, lambda name, done, count: calls.append((name, done, count)))
    assert calls == [("lorry-01", 1, 2), ("hybrid-01", 2, 2)]
    assert set(_bytes(tmp_path)) == {
        "frames/hybrid-01.parquet", "frames/lorry-01.parquet", "reference/signal_maps/ev.yaml",
        *(f"reference/{name}.csv" for name in REFERENCE_TABLES),
        *(f"truth/{name}.parquet" for name in (
            "trips", "stops", "refuels", "fuel_losses", "sender_faults", "charges", "vehicles",
        )),
    }  # fmt: skip


def test_the_reference_files_hold_together(tmp_path: Path) -> None:
    write_fleet(replace(PLAN, vehicles=12, days=1), tmp_path)
    parsed = {
        name: parse_reference(table, pl.read_csv(tmp_path / "reference" / f"{name}.csv", infer_schema=False))
        for name, table in REFERENCE_TABLES.items()
    }
    assert {name: found.problems for name, found in parsed.items() if found.problems} == {}
    assert {name: found.frame.height for name, found in parsed.items()} == {
        "vehicles": 12, "vehicle_refs": 12, "dbc_bindings": 28, "drivers": 13, "driver_assignments": 13,
        "energy_prices": 3, "zones": 3 * 21 + 4, "tank_calibrations": 0, "theft_reviews": 0,
    }  # fmt: skip
    zones = parsed["zones"].frame["zone_id"]
    trips = pl.read_parquet(tmp_path / "truth" / "trips.parquet")
    assert trips.height > 12
    assert set(trips["end_zone_id"]) <= set(zones)


def test_no_days_and_no_vehicles_give_empty_tables(tmp_path: Path) -> None:
    write_fleet(replace(PLAN, days=0, vehicles=1), tmp_path / "days")
    write_fleet(replace(PLAN, vehicles=0), tmp_path / "vehicles")
    full = pl.read_parquet(tmp_path / "days" / "frames" / "lorry-01.parquet")
    assert full.height == 0
    assert full.columns == [
        "recorded_at",
        "vehicle_id",
        "bus",
        "arbitration_id",
        "is_extended",
        "is_fd",
        "is_error",
        "dlc",
        "data",
    ]
    for folder in ("days", "vehicles"):
        assert pl.read_parquet(tmp_path / folder / "truth" / "trips.parquet").height == 0
    assert pl.read_csv(tmp_path / "vehicles" / "reference" / "vehicles.csv").height == 0


def test_its_signal_map_is_understood() -> None:
    columns = {entry.column for entry in load_signal_maps(list(SIGNAL_MAPS.values())).entries}
    assert {"soc_pct", "hv_power_kw", "is_charger_connected", "odometer_km", "is_ignition_on"} <= columns


def test_it_shares_no_code_with_what_it_tests() -> None:
    folder = Path(fleet_assets.simulator.__file__).parent
    imported = {
        node.module
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fleet_assets")
    }
    allowed = ("fleet_assets.simulator", "fleet_assets.contracts")
    assert [name for name in sorted(imported) if not name.startswith(allowed)] == []
