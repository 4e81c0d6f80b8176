"""What came from outside is shown, and steers no terminal; what is too long is cut with a count."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from fleet_assets.adapters.quarantine import Quarantine, Reason
from fleet_assets.collector.console import CONTROL, LONGEST, Console, escaped, shortened
from fleet_assets.contracts.errors import ReferenceInvalid, joined
from fleet_assets.installation import Installation
from fleet_assets_tests.fixtures.can_frames import frame_log
from fleet_assets_tests.fixtures.fleet_here import FleetHere

EVIL = "van\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt\r-1"


def printed(*objects: object, **options: object) -> str:
    written = io.StringIO()
    Console(file=written, markup=False, highlight=False, width=200, **options).print(*objects)
    return written.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_sentences_and_tables_show_control_characters_as_text(is_terminal: bool) -> None:
    table = Table("vehicle")
    table.add_row(EVIL)
    assert r"van\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt\r-1" in printed(EVIL, force_terminal=is_terminal, no_color=True)
    assert r"van\x1b[2J\x1b]0;owned\x9b31m\u202etxt" in printed(table)
    assert not CONTROL.search(printed(EVIL))


def test_our_own_colours_stay() -> None:
    written = io.StringIO()
    Console(file=written, force_terminal=True, color_system="standard").print("word", style="red")
    assert written.getvalue() == "\x1b[31mword\x1b[0m\n"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_text_holds_nothing_of_it_steers(text: str) -> None:
    assert not CONTROL.search(escaped(text))
    assert not CONTROL.search(printed(text, soft_wrap=True)) if not text.isspace() else True


def test_what_is_too_long_is_cut_with_a_count() -> None:
    assert shortened("a" * LONGEST) == "a" * LONGEST
    assert shortened("a" * (LONGEST + 1_234)) == "a" * LONGEST + " … (1,234 more characters)"
    assert joined([f"line {number} is wrong" for number in range(1_030)]).endswith("line 19 is wrong; and 1,010 more")
    refusal = ReferenceInvalid("vehicles.csv", [f"line {number}" for number in range(1_000)])
    assert (str(refusal).endswith("and 980 more"), len(refusal.problems)) == (True, 1_000)


def test_ids_of_vehicles_reach_no_terminal_raw(
    installation: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    frames = frame_log(3, start=day, vehicle=EVIL)
    frames.write_parquet(tmp_path / "drive.parquet")
    assert fleet_here("import", tmp_path / "drive.parquet", "--source", "can").code == 0
    Quarantine(installation.settings.quarantine).put(
        "can", pl.DataFrame({"vehicle_id": [EVIL], "recorded_at": [day]}), f"x{EVIL[:4]}", Reason("wrong", EVIL)
    )
    for command in (("status",), ("quarantine", "list"), ("query", f"select '{EVIL}' as vehicle_id")):
        done = fleet_here(*command)
        assert done.code == 0, done.err
        assert r"\x1b[2J" in done.out
        assert not CONTROL.search(done.out)
    refused = fleet_here("query", f'select "{EVIL}"')
    assert (refused.code, CONTROL.search(refused.err)) == (2, None)
