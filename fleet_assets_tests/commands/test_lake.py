"""`fleet lake`: what a person sees of a table's generations, and goes back to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_rules import rules_of
from fleet_assets_tests.adapters.test_lake import DAY, periods
from fleet_assets_tests.fixtures.fleet_here import FleetHere

LATER = date(2026, 3, 2)


@pytest.fixture
def stored(installation: Installation) -> Installation:
    """Two days, of which the first was stored again with fewer rows."""
    installation.lake.write(STANDING_PERIODS, DAY, periods(8, 9), "a")
    installation.lake.write(STANDING_PERIODS, LATER, periods(7, day=2), "a")
    installation.lake.write(STANDING_PERIODS, DAY, periods(8), "b")
    return installation


@pytest.mark.usefixtures("stored")
def test_the_history_lists_generations_newest_first(fleet_here: FleetHere) -> None:
    lines = fleet_here("lake", "history", "standing_periods").out.splitlines()
    assert lines[0].split() == ["generation", "made", "(UTC)", "by", "days", "rows", "changed"]
    assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1"]
    assert lines[1].split()[3:] == ["write", "2", "2", "1"]
    assert fleet_here("lake", "history", "trips").out == "Nothing of trips is stored.\n"


@pytest.mark.usefixtures("stored")
def test_a_diff_names_the_days_and_their_rows(fleet_here: FleetHere) -> None:
    said = fleet_here("lake", "diff", "standing_periods", "1", "3").out.splitlines()
    assert [line.split() for line in said[1:3]] == [["2026-03-01", "changed", "2", "1"], ["2026-03-02", "added", "1"]]
    assert said[3] == "1 day changed, 1 day added"
    same = fleet_here("lake", "diff", "standing_periods", "3", "3").out
    assert same == "Generations 3 and 3 of standing_periods are equal.\n"


def test_a_restored_table_is_the_old_one_and_its_days_are_judged_again(
    stored: Installation, fleet_here: FleetHere
) -> None:
    said = fleet_here("lake", "restore", "standing_periods", "2")
    assert (said.code, said.out.splitlines()[0]) == (0, "1 day changed")
    assert "standing_periods is as in generation 2; this is generation 4." in said.out
    assert stored.lake.scan(STANDING_PERIODS).collect().height == 3
    assert (stored.check_results.owed(STANDING_PERIODS) == {DAY}) == bool(rules_of("standing_periods"))
    again = fleet_here("lake", "restore", "standing_periods", "2").out
    assert again == "standing_periods is as in generation 2 already.\n"


@pytest.mark.usefixtures("stored")
def test_what_is_not_there_is_refused_in_a_sentence(fleet_here: FleetHere) -> None:
    unknown = fleet_here("lake", "history", "trps")
    assert (unknown.code, "the lake: there is no table trps; did you mean trips or stops?" in unknown.err) == (2, True)
    missing = fleet_here("lake", "restore", "standing_periods", "9")
    assert (missing.code, "standing_periods has no generation 9: there are 1 to 3" in missing.err) == (2, True)


@pytest.mark.usefixtures("stored")
def test_a_sweep_says_what_went(fleet_here: FleetHere) -> None:
    assert fleet_here("lake", "sweep", "--dry-run").out == "0 generations and 0 files would go, 0.0 MB\n"
    assert fleet_here("lake", "sweep").out == "0 generations and 0 files removed, 0.0 MB\n"


def test_an_export_publishes_what_is_stored(stored: Installation, fleet_here: FleetHere, tmp_path: Path) -> None:
    said = fleet_here("lake", "export", "--format", "delta", str(tmp_path / "delta"))
    assert said.code == 0
    assert said.out.splitlines()[1].split() == ["standing_periods", "3", "0", "2", "0"]
    published = DeltaTable(tmp_path / "delta" / "standing_periods")
    assert published.to_pyarrow_table().num_rows == 2
    assert pl.read_parquet(published.file_uris()).height == 2
    inside = fleet_here("lake", "export", str(stored.lake.root / "delta"))
    assert (inside.code, "lies in the lake itself" in inside.err) == (2, True)
