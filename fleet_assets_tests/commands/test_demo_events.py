"""The demo's events against the truth: each kind counted once, what is false named, volumes of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import polars as pl
from rich.console import Console

from fleet_assets.commands.demo_events import TALLY, DemoEvents, as_event_table, tally
from fleet_assets.contracts import CHARGING_SESSIONS, FUEL_EVENTS, TIMESTAMP
from fleet_assets.simulator.truth import truth_tables

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
TRUE = truth_tables([])
NONE = DemoEvents(
    FUEL_EVENTS.empty(), CHARGING_SESSIONS.empty(), TRUE["refuels"], TRUE["fuel_losses"], TRUE["charges"]
)  # fmt: skip
"""No events at all."""


def _table(empty: pl.DataFrame, values: str, rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """Rows of a table of which these columns are known; instants are minutes after noon."""
    columns = {name: pl.Float64() if name.endswith("_at") else empty.schema[name] for name in values.split()}
    known = pl.DataFrame(rows, schema=columns, orient="row")
    minutes = [name for name in columns if name.endswith("_at")]
    instants = [(NOON + pl.duration(seconds=pl.col(name) * 60)).cast(TIMESTAMP).alias(name) for name in minutes]
    return pl.concat([empty, known.with_columns(instants)], how="diagonal")


def _fuel(*rows: tuple[str, str, float, float, float | None]) -> pl.DataFrame:
    return _table(NONE.fuel_events, "vehicle_id kind started_at ended_at volume_l", rows)


def _refuels(*rows: tuple[str, float, float, float]) -> pl.DataFrame:
    return _table(NONE.true_refuels, "vehicle_id started_at ended_at litres", rows)


def _losses(*rows: tuple[str, str, float, float, float]) -> pl.DataFrame:
    return _table(NONE.true_losses, "vehicle_id kind started_at ended_at litres", rows)


def _sessions(*rows: tuple[str, float, float | None, float]) -> pl.DataFrame:
    return _table(NONE.charging_sessions, "vehicle_id plugged_at unplugged_at energy_added_kwh", rows)


def _charges(*rows: tuple[str, float, float, float, bool]) -> pl.DataFrame:
    return _table(NONE.true_charges, "vehicle_id plugged_at unplugged_at energy_battery_kwh is_truncated", rows)


def _rows(events: DemoEvents) -> dict[str, tuple[object, ...]]:
    return {row[0]: row[2:] for row in tally(events).iter_rows()}


def _lines(events: DemoEvents) -> list[str]:
    console = Console(width=100, file=StringIO(), record=True)
    console.print(as_event_table(tally(events)))
    return console.export_text().splitlines()


NOTHING = (0, 0, 0, 0, None, None, None)


def test_of_nothing_there_is_nothing_of_each_kind() -> None:
    assert tally(NONE).schema == TALLY
    assert _rows(NONE) == dict.fromkeys(("refuels", "thefts", "siphoned nights", "charges"), NOTHING)


def test_a_refuel_that_was_found_one_that_was_not_and_one_that_is_none() -> None:
    found = _fuel(("a", "refuel", 0, 30, 101.0), ("b", "refuel", 0, 5, 40.0), ("b", "sensor_fault", 0, 5, 90.0))
    true = _refuels(("a", 5, 8, 100.0), ("a", 90, 95, 50.0))
    assert _rows(replace(NONE, fuel_events=found, true_refuels=true))["refuels"] == (2, 1, 1, 0, 100.0, 101.0, 1.0)


def test_an_unknown_volume_counts_and_is_in_no_sum() -> None:
    events = replace(NONE, fuel_events=_fuel(("a", "refuel", 0, 30, None)), true_refuels=_refuels(("a", 5, 8, 100.0)))
    assert _rows(events)["refuels"] == (1, 1, 0, 0, None, None, None)


def test_a_siphoned_night_found_as_a_theft_is_no_false_theft() -> None:
    true = _losses(("a", "theft", 0, 5, 30.0), ("b", "siphoning", 0, 5, 4.0))
    found = _fuel(("a", "theft", 0, 9, 28.0), ("b", "theft", 0, 9, 5.0), ("c", "theft", 0, 9, 12.0))
    rows = _rows(replace(NONE, fuel_events=found, true_losses=true))
    assert rows["thefts"] == (1, 1, 1, 0, 30.0, 28.0, 2.0)
    assert rows["siphoned nights"] == (1, 1, 0, 0, 4.0, 5.0, 1.0)


def test_a_slow_loss_that_is_none_is_counted_with_the_siphoned_nights() -> None:
    rows = _rows(replace(NONE, fuel_events=_fuel(("a", "slow_loss", 0, 600, 9.0))))
    assert (rows["thefts"], rows["siphoned nights"]) == (NOTHING, (0, 0, 1, 0, None, None, None))


def test_charges_are_plug_ins_that_took_energy() -> None:
    sessions = _sessions(("a", 0, 60, 10.5), ("a", 200, None, 3.0), ("a", 400, 410, 0.0))
    charges = _charges(("a", 1, 59, 10.0, False), ("a", 201, 300, 3.0, False))
    events = replace(NONE, charging_sessions=sessions, true_charges=charges)
    assert _rows(events)["charges"] == (2, 2, 0, 0, 13.0, 13.5, 0.25)


def test_a_charge_that_the_end_cut_is_neither_missed_nor_found_nor_false() -> None:
    charges = _charges(("a", 0, 60, 10.0, False), ("a", 400, 900, 8.0, True), ("b", 500, 900, 20.0, True))
    missed_none = replace(NONE, charging_sessions=_sessions(("a", 0, 60, 10.5)), true_charges=charges)
    assert _rows(missed_none)["charges"] == (1, 1, 0, 2, 10.0, 10.5, 0.5)
    found_a_part = replace(missed_none, charging_sessions=_sessions(("a", 0, 60, 10.5), ("b", 501, 600, 5.0)))
    assert _rows(found_a_part) == _rows(missed_none)


def test_a_person_reads_counts_and_volumes_and_no_kind_of_which_there_is_nothing() -> None:
    found = _fuel(("a", "refuel", 0, 30, 101.0), ("c", "theft", 0, 9, 12.0))
    lines = _lines(replace(NONE, fuel_events=found, true_refuels=_refuels(("a", 5, 8, 100.0))))
    assert lines[0].strip() == "Events, true and found; volumes of those found"
    assert lines[1].split() == ["happened", "found", "false", "true", "volume", "found", "volume", "median", "error"]
    kinds = ("refuels", "thefts", "siphoned", "charges")
    assert [line.split() for line in lines if line.strip().startswith(kinds)] == [
        ["refuels", "1", "1", "0", "100.0", "l", "101.0", "l", "1.0", "l"],
        ["thefts", "0", "0", "1", "-", "-", "-"],
    ]
    assert not any("still" in line for line in lines)


def test_a_person_reads_how_many_charges_go_on() -> None:
    lines = _lines(replace(NONE, true_charges=_charges(("a", 400, 900, 8.0, True), ("b", 500, 900, 20.0, True))))
    assert [line.strip() for line in lines if "still" in line] == ["Charges still going on at the end, not counted: 2"]
