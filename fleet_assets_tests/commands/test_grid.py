"""Tables of the command line: columns that fit, numbers and names in one piece, and how many columns are hidden."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from fleet_assets.collector.console import Console
from fleet_assets.commands.grid import Grid, Heading, Kind

WIDTHS = (80, 120, 200)


def of_vehicles(columns: int, name: str = "lorry-of-the-northern-depot-01") -> Grid:
    """A name, then columns of a number each, c00 first."""
    titles = [f"c{place:02}" for place in range(columns)]
    grid = Grid(Heading("vehicle", rank=0), *(Heading(title, Kind.number) for title in titles))
    grid.add(name, *(f"{place}2,345.{place}" for place in range(columns)))
    return grid


@pytest.mark.parametrize(("width", "shown"), [(80, 5), (120, 9), (200, 15)])
def test_a_terminal_gets_the_columns_that_fit_and_the_count_of_the_others(width: int, shown: int) -> None:
    header, row, told = of_vehicles(30).lines(width)
    assert header.split() == ["vehicle", *(f"c{place:02}" for place in range(shown))]
    assert row.split() == ["lorry-of-the-northern-depot-01", *(f"{place}2,345.{place}" for place in range(shown))]
    assert told == f"{30 - shown} of 31 columns hidden; a wider window shows them"
    assert max(map(len, (header, row))) <= width


def test_without_a_terminal_nothing_is_hidden() -> None:
    lines = of_vehicles(30).lines()
    assert len(lines) == 2
    assert len(lines[0].split()) == 31


def test_columns_of_lower_rank_are_kept_in_the_place_where_they_stand() -> None:
    grid = Grid(
        Heading("id", rank=3), Heading("by the way", rank=2), Heading("km", Kind.number), Heading("name", rank=0)
    )
    grid.add("d89887d94bdbc953", "-", "12.5", "van-1")
    assert grid.lines(14)[:2] == ["  km  name", "12.5  van-1"]
    assert grid.lines(30)[:2] == ["by the way    km  name", "-           12.5  van-1"]


def test_what_matters_less_takes_no_room_that_a_wider_column_would_have_needed() -> None:
    grid = Grid(Heading("vehicle", rank=0), Heading("matters", rank=1), Heading("x", rank=2))
    grid.add("van-1", "a text of thirty characters ...", "y")
    assert grid.hidden(20) == ["matters", "x"]


def test_running_text_takes_the_room_that_is_left_and_is_left_out_where_there_is_none() -> None:
    grid = Grid("reason", Heading("meaning", Kind.prose))
    grid.add("in-the-future", "the time of the row lies ahead of the clock of this machine by more than an hour")
    assert grid.lines(60) == [
        "reason         meaning",
        "in-the-future  the time of the row lies ahead of the clock",
        "               of this machine by more than an hour",
    ]
    assert grid.hidden(30) == ["meaning"]


def test_names_alone_that_do_not_fit_are_folded_and_whole() -> None:
    name = "vehicle" * 20
    lines = of_vehicles(2, name).lines(80)[1:-1]
    assert "".join(lines) == name
    assert max(map(len, lines)) <= 80


def test_a_long_text_is_cut_where_there_is_no_room_and_whole_where_there_is() -> None:
    grid = Grid(Heading("vehicle", rank=0), Heading("evidence", Kind.long))
    grid.add("van-1", "x" * 100)
    assert grid.lines(40)[1] == f"van-1    {'x' * 30}…"
    assert grid.lines(200)[1] == f"van-1    {'x' * 100}"


def test_a_section_has_a_rule_above_and_a_title_stands_over_all() -> None:
    grid = Grid("vehicle", Heading("km", Kind.number), title="Found", note="of 2 vehicles")
    grid.add("van-1", "12.5")
    grid.add("all", "12.5", begins_section=True)
    assert grid.lines(80) == ["Found", "vehicle    km", "van-1    12.5", "─" * 13, "all      12.5", "of 2 vehicles"]


def test_signs_that_take_two_places_keep_columns_aligned() -> None:
    grid = Grid("driver", "km")
    grid.add("東京", "1")
    grid.add("ab", "2")
    assert grid.lines(80) == ["driver  km", "東京    1", "ab      2"]


def test_a_drawing_keeps_its_lines() -> None:
    grid = Grid(Heading("plan", Kind.lines))
    grid.add("┌──┐\n│  │")
    assert grid.lines(3)[1:3] == ["┌──┐", "│  │"]


def test_control_characters_of_titles_and_cells_are_shown_as_text() -> None:
    grid = Grid("\x1b[2J")
    grid.add("\x07")
    assert grid.lines(80) == [r"\x1b[2J", r"\x07"]


def test_a_console_that_is_a_terminal_gets_its_width_and_a_file_gets_all() -> None:
    for is_terminal, shown in ((True, 6), (False, 31)):
        written = io.StringIO()
        console = Console(file=written, width=80, force_terminal=is_terminal, color_system=None)
        console.print(of_vehicles(30), soft_wrap=True)
        assert len(written.getvalue().splitlines()[0].split()) == shown


numbers = st.floats(-1e9, 1e9).map(lambda value: f"{value:,.3f}")
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=60)


@given(name=names, values=st.lists(numbers, min_size=1, max_size=40), width=st.sampled_from(WIDTHS))
def test_no_number_is_split_no_name_is_hidden_and_no_line_is_too_long(name: str, values: list[str], width: int) -> None:
    grid = Grid(Heading("vehicle", rank=0), *(Heading(f"n{place}", Kind.number) for place in range(len(values))))
    grid.add(name, *values)
    lines = grid.lines(width)
    assert max(map(cell_len, lines)) <= width
    assert lines[1].split()[0] == name
    shown = len(lines[0].split()) - 1
    kept = [value for place, value in enumerate(values) if f"n{place}" not in grid.hidden(width)]
    assert re.split(r"\s+", lines[1])[1:] == kept
    assert len(kept) == shown
