"""The demo's events against the truth: each kind counted once, what is false named, volumes of what was found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import polars as pl
from rich.console import Console

from fleet_assets.commands.demo_events import TALLY, Happened, as_event_table, tally
from fleet_assets.contracts import TIMESTAMP
from fleet_assets.simulator.truth import truth_tables

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
FUEL = pl.Schema({
    "vehicle_id": pl.String(), "kind": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP,
    "volume_l": pl.Float64(),
})  # fmt: skip
SESSIONS = pl.Schema({
    "vehicle_id": pl.String(), "plugged_at": TIMESTAMP, "unplugged_at": TIMESTAMP, "energy_added_kwh": pl.Float64(),
})  # fmt: skip
EMPTY = truth_tables([])


def _at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def _fuel(*rows: tuple[str, str, float, float, float | None]) -> pl.DataFrame:
    """Vehicle, kind, minutes after noon of start and end, litres."""
    return pl.DataFrame([(name, kind, _at(a), _at(b), v) for name, kind, a, b, v in rows], schema=FUEL, orient="row")


def _true(table: str, *rows: tuple[str, str, float, float, float]) -> pl.DataFrame:
    """The same as rows of the simulator's truth."""
    found = _fuel(*rows).rename({"volume_l": "litres"})
    columns = [name for name in found.columns if name in EMPTY[table].columns]
    return pl.concat([EMPTY[table], found.select(columns)], how="diagonal")


def _happened(
    fuel: pl.DataFrame, refuels: pl.DataFrame = EMPTY["refuels"], losses: pl.DataFrame = EMPTY["fuel_losses"]
) -> Happened:
    return Happened(fuel, SESSIONS.to_frame(), refuels, losses, EMPTY["charges"])


def _rows(happened: Happened) -> dict[str, tuple[object, ...]]:
    return {row[0]: row[2:] for row in tally(happened).iter_rows()}


NOTHING = (0, 0, 0, None, None, None)


def test_of_nothing_there_is_nothing_of_each_kind() -> None:
    tallied = tally(_happened(FUEL.to_frame()))
    assert tallied.schema == TALLY
    assert _rows(_happened(FUEL.to_frame())) == dict.fromkeys(
        ("refuels", "thefts", "siphoned nights", "charges"), NOTHING
    )


def test_a_refuel_that_was_found_one_that_was_not_and_one_that_is_none() -> None:
    found = _fuel(("a", "refuel", 0, 30, 101.0), ("b", "refuel", 0, 5, 40.0), ("b", "sensor_fault", 0, 5, 90.0))
    true = _true("refuels", ("a", "", 5, 8, 100.0), ("a", "", 90, 95, 50.0))
    assert _rows(_happened(found, true))["refuels"] == (2, 1, 1, 100.0, 101.0, 1.0)


def test_an_unknown_volume_counts_and_is_in_no_sum() -> None:
    found, true = _fuel(("a", "refuel", 0, 30, None)), _true("refuels", ("a", "", 5, 8, 100.0))
    assert _rows(_happened(found, true))["refuels"] == (1, 1, 0, None, None, None)


def test_a_siphoned_night_found_as_a_theft_is_no_false_theft() -> None:
    true = _true("fuel_losses", ("a", "theft", 0, 5, 30.0), ("b", "siphoning", 0, 5, 4.0))
    found = _fuel(("a", "theft", 0, 9, 28.0), ("b", "theft", 0, 9, 5.0), ("c", "theft", 0, 9, 12.0))
    rows = _rows(_happened(found, losses=true))
    assert rows["thefts"] == (1, 1, 1, 30.0, 28.0, 2.0)
    assert rows["siphoned nights"] == (1, 1, 0, 4.0, 5.0, 1.0)


def test_a_slow_loss_that_is_none_is_counted_with_the_siphoned_nights() -> None:
    rows = _rows(_happened(_fuel(("a", "slow_loss", 0, 600, 9.0))))
    assert (rows["thefts"], rows["siphoned nights"]) == (NOTHING, (0, 0, 1, None, None, None))


def test_charges_are_plug_ins_that_took_energy() -> None:
    sessions = pl.DataFrame(
        [("a", _at(0), _at(60), 10.5), ("a", _at(200), None, 3.0), ("a", _at(400), _at(410), 0.0)],
        schema=SESSIONS, orient="row",
    )  # fmt: skip
    charges = pl.DataFrame({
        "vehicle_id": ["a", "a"], "plugged_at": [_at(1), _at(201)], "unplugged_at": [_at(59), _at(300)],
        "energy_battery_kwh": [10.0, 3.0],
    })  # fmt: skip
    true = pl.concat([EMPTY["charges"], charges], how="diagonal_relaxed")
    happened = Happened(FUEL.to_frame(), sessions, EMPTY["refuels"], EMPTY["fuel_losses"], true)
    assert _rows(happened)["charges"] == (2, 2, 0, 13.0, 13.5, 0.25)


def test_a_person_reads_counts_and_volumes_and_no_kind_of_which_there_is_nothing() -> None:
    found = _fuel(("a", "refuel", 0, 30, 101.0), ("c", "theft", 0, 9, 12.0))
    table = as_event_table(tally(_happened(found, _true("refuels", ("a", "", 5, 8, 100.0)))))
    console = Console(width=100, file=StringIO(), record=True)
    console.print(table)
    lines = console.export_text().splitlines()
    assert "What happened, as found and as true" in lines[0]
    kinds = ("refuels", "thefts", "siphoned", "charges")
    assert [line.split() for line in lines if line.strip().startswith(kinds)] == [
        ["refuels", "1", "1", "0", "100.0", "l", "101.0", "l", "1.0", "l"],
        ["thefts", "0", "0", "1", "-", "-", "-"],
    ]
