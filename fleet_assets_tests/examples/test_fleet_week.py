"""The notebook runs from its first cell to its last on an installation, and shows tables and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbclient
import nbformat
import pytest

from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.examples.test_week_of_a_fleet import built

NOTEBOOK = REPOSITORY / "examples" / "fleet_week.ipynb"

__all__ = ["built"]


@pytest.fixture
def executed(built: Installation, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The notebook after a run on the installation."""
    monkeypatch.setenv("FLEET_HOME", str(built.settings.root))
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()


def outputs(notebook: Any, kind: str) -> Iterator[str]:
    """What the cells show in one form, in their order."""
    for cell in notebook.cells:
        yield from (part["data"][kind] for part in cell.get("outputs", ()) if kind in part.get("data", {}))


def test_every_cell_runs_and_the_last_ones_say_what_the_tables_hold(executed: Any) -> None:
    texts = [*outputs(executed, "text/plain")]
    assert texts[0] == "(datetime.date(2026, 2, 28), datetime.date(2026, 3, 7))"
    assert texts[1] == "{'telemetry': 7202, 'trips': 3, 'stops': 0}"
    assert len([*outputs(executed, "image/png")]) == 3
    assert len([*outputs(executed, "text/html")]) == 3
    assert "100.0" in texts[-1]


def test_it_is_stored_without_outputs() -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    assert [cell for cell in stored.cells if cell.get("outputs") or cell.get("execution_count")] == []
