"""`fleet plot` and `fleet whatif`, in the process of the test, on a small installation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.commands.whatif import SUBJECTS, totals
from fleet_assets.contracts import FUEL_EVENTS, TRIPS, VEHICLES
from fleet_assets.installation import Installation
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.fixtures.drives import drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = MORNING.date()
MADE = (
    "raw_telemetry", "telemetry", "last_readings", "readings_before_silence", "trips", "fuel_plateaus", "fuel_balance",
    "fuel_events",
)  # fmt: skip


def tank_at_night() -> pl.DataFrame:
    """A lorry that drives, stands for hours with a refuel in them, and drives on; a level every ten seconds."""
    before, after = drive("van-1", MORNING, minutes=90), drive("van-1", MORNING + timedelta(hours=4), minutes=90)
    levels = [(before, 30.0), (after, 70.0)]
    told = [rows.with_columns(pl.lit(level).alias("fuel_level_pct")) for rows, level in levels]
    return pl.concat([rows.with_columns(pl.lit(True).alias("is_ignition_on")) for rows in told])


@pytest.fixture
def driven(installation: Installation) -> Installation:
    installation.landing.append("telemetry", tank_at_night(), "day")
    for name in MADE:
        list(store_days(installation, DAY_TABLES[name], [DAY, DAY + timedelta(days=1)], only_stale=False))
    return installation


def test_what_is_drawn_is_there_to_be_drawn(driven: Installation) -> None:
    assert driven.lake.scan(FUEL_EVENTS).collect()["kind"].to_list() == ["refuel"]


@pytest.mark.usefixtures("driven")
@pytest.mark.parametrize("kind", ["fuel", "trips"])
def test_a_picture_of_a_vehicle_is_written_where_it_was_asked_for(
    fleet_here: FleetHere, tmp_path: Path, kind: str
) -> None:
    output = tmp_path / "picture.png"
    done = fleet_here("plot", kind, "van-1", "--from", "2026-03-01", "--to", "2026-03-03", "--output", output)
    assert (done.code, done.err) == (0, "")
    assert output.read_bytes().startswith(b"\x89PNG")
    assert str(output) in done.out.replace("\n", "")


@pytest.mark.usefixtures("driven")
def test_a_vehicle_that_does_not_exist_is_refused_with_the_nearest_name(fleet_here: FleetHere) -> None:
    done = fleet_here("plot", "trips", "van1")
    assert (done.code, done.err.strip()) == (2, "fleet: there is no vehicle 'van1'; did you mean van-1?")


@pytest.mark.usefixtures("driven")
def test_a_span_that_ends_before_it_begins_is_refused(fleet_here: FleetHere) -> None:
    done = fleet_here("plot", "trips", "van-1", "--from", "2026-03-03", "--to", "2026-03-01")
    assert (done.code, done.err.strip()) == (2, "fleet: --from 2026-03-03 lies after --to 2026-03-01")


def test_a_span_of_two_days_reads_no_other(driven: Installation, fleet_here: FleetHere, tmp_path: Path) -> None:
    vehicles = pl.DataFrame({"vehicle_id": ["van-1"]}).lazy()
    driven.lake.write(VEHICLES, None, VEHICLES.conform(vehicles).collect(), "test")
    much_later = driven.lake.write(TRIPS, date(2026, 12, 1), TRIPS.empty(), "test").path
    much_later.write_bytes(b"no table")
    span = ("--from", "2026-03-01", "--to", "2026-03-03")
    assert fleet_here("plot", "trips", "van-1", *span, "--output", tmp_path / "a.png").code == 0
    # Without a last day the newest of all is asked for, and that file is met.
    with pytest.raises(pl.exceptions.ComputeError):
        fleet_here("plot", "trips", "van-1", *span[:2], "--output", tmp_path / "b.png")


@pytest.mark.usefixtures("driven")
@pytest.mark.parametrize("span", [("--from", "2026-03-05"), ("--from", "2026-01-01", "--to", "2026-01-31")])
def test_a_span_of_which_there_is_nothing_is_refused_and_nothing_is_written(
    fleet_here: FleetHere, tmp_path: Path, span: tuple[str, ...]
) -> None:
    done = fleet_here("plot", "trips", "van-1", *span, "--output", tmp_path / "empty.png")
    assert done.code == 2
    assert done.err.startswith(f"fleet: van-1 has no trips data from {span[1]} to ")
    assert done.err.strip().endswith("; what is newest in trips is of 2026-03-02")
    assert not (tmp_path / "empty.png").exists()


@pytest.mark.usefixtures("driven")
@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("neighbours=2.7", "neighbours takes a whole number of at least 1, not 2.7"),
        ("neighbours=nan", "neighbours takes a whole number of at least 1, not nan"),
        ("neighbours=0", "neighbours takes a whole number of at least 1, not 0"),
        ("sigma=inf", "sigma takes a number of at least 0, not inf"),
        ("min_theft_l=-20", "min_theft_l takes a number of at least 0, not -20"),
    ],
)
def test_a_value_that_a_rule_cannot_take_is_refused(fleet_here: FleetHere, rule: str, sentence: str) -> None:
    done = fleet_here("whatif", "fuel", "--rule", rule)
    assert (done.code, done.err.strip()) == (2, f"fleet: {sentence}")


@pytest.mark.usefixtures("driven")
def test_a_file_of_another_kind_is_refused_before_anything_is_computed(fleet_here: FleetHere, tmp_path: Path) -> None:
    done = fleet_here("whatif", "fuel", "--min-theft-volume", 20, "--output", tmp_path / "difference.xlsx")
    assert done.code == 2
    assert done.out == ""
    assert done.err.strip().endswith("difference.xlsx: write a .csv, .json or .parquet file")


def test_other_rules_of_fuel_say_what_changes_and_write_the_difference(
    driven: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    output = tmp_path / "difference.csv"
    done = fleet_here("whatif", "fuel", "--rule", "min_refuel_pct=60", "--output", output)
    assert done.code == 0, done.err
    assert "min_refuel_pct 60 instead of 2" in done.out
    assert "0 new, 1 gone, 0 changed, 0 same" in done.out
    # Nobody says how large the tank is, nor what fuel costs: no change of litres, and no line of costs.
    assert [line.split() for line in done.out.splitlines()[2:6]] == [
        ["kind", "now", "then", "change"], ["refuel", "events", "1", "0", "-1"], ["litres", "-", "0.0", "-"],
        ["unexplained", "l", "-", "0.0", "-"],
    ]  # fmt: skip
    assert "cost" not in done.out
    assert pl.read_csv(output)["change"].to_list() == ["gone"]
    assert driven.lake.scan(FUEL_EVENTS).collect().height == 1


def fuel(*rows: tuple[str, float | None, float | None, str | None]) -> pl.DataFrame:
    """Events by kind, litres, cost and currency."""
    told = {name: FUEL_EVENTS.schema[name] for name in ("kind", "volume_l", "cost", "currency")}
    return pl.concat([FUEL_EVENTS.empty(), pl.DataFrame(rows, schema=told, orient="row")], how="diagonal")


def sums_of(kind: str, now: pl.DataFrame, then: pl.DataFrame) -> dict[str, tuple[float | None, float | None]]:
    found = totals(SUBJECTS["fuel"], now, then).filter(pl.col("kind") == kind)
    return {what: (before, after) for what, before, after in found.select("what", "now", "then").iter_rows()}


def test_a_sum_is_nothing_without_events_and_unknown_where_none_tells_it() -> None:
    now = fuel(("refuel", 30.0, 45.0, "EUR"), ("refuel", None, None, None), ("theft", None, None, None))
    then = fuel(("refuel", None, None, None), ("slow_loss", 5.0, None, None))
    assert sums_of("refuel", now, then) == {
        "events": (2, 1), "litres": (30, None), "unexplained l": (None, None), "cost EUR": (45, None),
    }  # fmt: skip
    assert sums_of("theft", now, then) == {"events": (1, 0), "litres": (None, 0), "unexplained l": (None, 0)}
    assert sums_of("slow_loss", now, then) == {"events": (0, 1), "litres": (0, 5), "unexplained l": (0, None)}


def test_costs_are_told_by_currency_and_only_of_kinds_that_have_some() -> None:
    now = fuel(("refuel", 30.0, 45.0, "EUR"), ("refuel", 20.0, 40.0, "CHF"), ("theft", 9.0, None, None))
    then = now.filter(pl.col("kind") == "theft")
    costs = {"cost CHF": (40, 0), "cost EUR": (45, 0)}
    assert sums_of("refuel", now, then) == {"events": (2, 0), "litres": (50, 0), "unexplained l": (None, 0)} | costs
    assert sums_of("theft", now, then) == {"events": (1, 1), "litres": (9, 9), "unexplained l": (None, None)}


def test_other_rules_of_trips_join_two(driven: Installation, fleet_here: FleetHere) -> None:
    done = fleet_here("whatif", "trips", "--stop-s", 100_000)
    assert done.code == 0, done.err
    assert "1 gone" in done.out
    assert driven.lake.scan(DAY_TABLES["trips"].table).collect().height == 2


@pytest.mark.usefixtures("driven")
def test_the_rules_in_force_are_no_question(fleet_here: FleetHere) -> None:
    done = fleet_here("whatif", "trips", "--stop-s", 300)
    assert done.code == 2
    assert done.err.startswith("fleet: these values are already in force; change at least one of: ")
    assert "stop_s=300" in done.err


@pytest.mark.usefixtures("driven")
def test_a_question_without_another_rule_says_what_may_be_changed(fleet_here: FleetHere) -> None:
    done = fleet_here("whatif", "trips")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("fleet: no rule was changed; change at least one of: ")
    assert "stop_s=300" in done.err


@pytest.mark.usefixtures("driven")
def test_a_rule_without_a_number_is_refused(fleet_here: FleetHere) -> None:
    done = fleet_here("whatif", "trips", "--rule", "stop_s=long")
    assert (done.code, done.err.strip()) == (
        2, "fleet: --rule 'stop_s=long' is not NAME=VALUE with a number, such as stop_s=600",
    )  # fmt: skip
