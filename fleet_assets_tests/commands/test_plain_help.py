"""The help of every command says what a switch does, and not that it is a `<bool>`."""

from __future__ import annotations

import pytest

from fleet_assets_tests.fixtures.fleet_here import FleetHere


@pytest.mark.parametrize(
    "words",
    [
        "", "import", "build", "status", "demo", "collect", "collect work", "lake", "lake sweep", "reference",
        "quarantine retry", "landing prune", "warehouse", "backup create",
    ],
)  # fmt: skip
def test_switches_have_no_type(fleet_here: FleetHere, words: str) -> None:
    done = fleet_here(*words.split(), "--help")
    assert (done.code, "--help" in done.out, "bool" in done.out) == (0, True, False)


def test_the_usage_of_an_import_names_files_once(fleet_here: FleetHere) -> None:
    assert "import [OPTIONS] {PATH}..." in fleet_here("import", "--help").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("qery", "there is no command qery; did you mean query?"),
        ("plot trip van-1", "there is no command trip; did you mean trips?"),
        ("plot fuel_events van-1", "there is no command fuel_events; did you mean fuel?"),
        ("whatif refuels", "there is no command refuels; did you mean fuel?"),
    ],
)
def test_an_unknown_command_leads_to_the_one_that_was_meant(fleet_here: FleetHere, words: str, sentence: str) -> None:
    done = fleet_here(*words.split())
    assert (done.code, " ".join(done.err.replace("│", " ").split()).count(sentence)) == (2, 1), done.err
