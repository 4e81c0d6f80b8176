"""What a person sees of a build on a terminal: a bar a table, and one for all with the time that is left; and what is
refused before it."""

from __future__ import annotations

import io
from datetime import date

import pytest

from fleet_assets.collector.console import Console
from fleet_assets.commands.build import build_progress
from fleet_assets.installation import Installation
from fleet_assets.pipeline.forecast import TableForecast
from fleet_assets.resources import progressed
from fleet_assets_tests.fixtures.fleet_here import FleetHere

DAY = date(2026, 3, 2)


def _shown(ahead: list[TableForecast], *done: tuple[str, int, int]) -> str:
    """The last picture of the bars."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120, legacy_windows=False)
    with build_progress(console, ahead):
        for table, count, total in done:
            progressed(table, count, total)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_bar_over_all_tables_counts_them_and_says_what_is_left() -> None:
    ahead = [TableForecast("telemetry", 2, DAY, DAY, {}, 10.0), TableForecast("trips", 4, DAY, DAY, {}, None)]
    shown = _shown(ahead, ("telemetry", 2, 2), ("trips", 1, 4))
    assert "1/2 tables" in shown
    assert "0:00:00 left" in shown
    assert "trips" in shown
    assert "1/4" in shown


def test_a_table_that_nobody_forecast_has_a_bar_of_its_own_alone() -> None:
    shown = _shown([], ("marts", 3, 7))
    assert "3/7" in shown
    assert "left" not in shown


def test_what_goes_to_a_file_has_no_bars() -> None:
    console = Console(file=io.StringIO())
    with build_progress(console, [TableForecast("trips", 1, DAY, DAY, {}, 1.0)]):
        progressed("trips", 1, 1)
    assert console.file.getvalue().strip() == ""  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", " ", " , "])
def test_a_selection_of_nothing_is_refused_and_builds_nothing(
    installation: Installation, fleet_here: FleetHere, text: str
) -> None:
    done = fleet_here("build", "--select", text)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "fleet: --select names no asset: leave it out to build everything, or say which, such as trips,stops\n"
    )
    assert not installation.settings.root.exists()
