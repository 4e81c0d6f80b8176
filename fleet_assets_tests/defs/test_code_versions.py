"""A version is that of the code behind a table: what decides rows changes it, what explains them does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_assets.defs import code_versions
from fleet_assets.defs.code_versions import code_version
from fleet_assets.defs.day_assets import DAY_TABLES

EVENTS, RAW = "fleet_assets.defs.events", "fleet_assets.defs.raw"


def with_changed(module: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that one module's text were another."""
    read = Path.read_text

    def changed(path: Path, **options: str) -> str:
        text = read(path, **options)
        if path.as_posix().endswith(module.replace(".", "/") + ".py"):
            assert old in text
            return text.replace(old, new)
        return text

    monkeypatch.setattr(Path, "read_text", changed)
    for cached in (code_versions.code_version, code_versions._code):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> object:
    yield
    monkeypatch.undo()
    for cached in (code_versions.code_version, code_versions._code):
        cached.cache_clear()


def test_a_changed_rule_changes_the_version_of_what_it_decides_and_of_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = code_version(EVENTS), code_version(RAW)
    with_changed("fleet_assets.core.trips.segmentation", "300.0", "600.0", monkeypatch)
    assert code_version(EVENTS) != before[0]
    assert code_version(RAW) == before[1]


def test_words_about_code_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_version(EVENTS)
    with_changed("fleet_assets.core.stops", "Stops: stays", "Other words: stays", monkeypatch)
    assert code_version(EVENTS) == before


def test_every_day_table_has_a_version_of_its_module() -> None:
    from fleet_assets.definitions import defs

    defs()
    assert {maker.code_version for maker in DAY_TABLES.values()} == {
        code_version(f"fleet_assets.defs.{name}") for name in ("raw", "telemetry", "events", "ingest")
    }
