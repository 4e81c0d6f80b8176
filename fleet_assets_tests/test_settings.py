"""Settings come from FLEET_* variables; a wrong one is refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_assets.contracts.errors import SettingError
from fleet_assets.settings import load_settings


def test_everything_local_lies_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_HOME", str(tmp_path))
    settings = load_settings()
    assert settings.lake == str(tmp_path / "lake")
    assert settings.warehouse_file == tmp_path / "warehouse" / "fleet.duckdb"
    assert settings.dagster_home == tmp_path / "dagster"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLEET_GRID_SECONDS", "fast"),
        ("FLEET_TIMEZONE", "Mars/Olympus"),
        ("FLEET_UNITS", "cubits"),
        ("FLEET_START_DATE", "soon"),
    ],
)
def test_a_value_that_cannot_be_understood_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=f"{name}={value}: "):
        load_settings()


def test_a_server_warehouse_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", "postgresql://user:secret@host/fleet")
    with pytest.raises(SettingError, match=r"postgresql://\.\.\. is not a DuckDB file") as refusal:
        _ = load_settings().warehouse_file
    assert "secret" not in str(refusal.value)
