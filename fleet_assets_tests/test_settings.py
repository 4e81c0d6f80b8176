"""Settings come from FLEET_* variables; a wrong one is refused by its name."""

from __future__ import annotations

from datetime import date
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


@pytest.mark.parametrize(("seconds", "near"), [(7, "6 and 8"), (11, "10 and 12"), (3599, "3456 and 3600")])
def test_a_grid_that_does_not_divide_a_day_is_refused_with_near_values(
    seconds: int, near: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_GRID_SECONDS", str(seconds))
    sentence = f"FLEET_GRID_SECONDS={seconds}: {seconds} s do not divide a day; near it do {near}, and 0 keeps every"
    with pytest.raises(SettingError, match=sentence):
        load_settings()


@pytest.mark.parametrize("seconds", [0, 1, 2, 5, 10, 60, 3600])
def test_a_grid_that_divides_a_day_is_accepted(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_GRID_SECONDS", str(seconds))
    assert load_settings().grid_seconds == seconds


def test_an_installation_has_settings_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_HOME", str(tmp_path))
    (tmp_path / ".env").write_text("FLEET_START_DATE=2026-03-01\nFLEET_GRID_SECONDS=5\n")
    monkeypatch.setenv("FLEET_GRID_SECONDS", "10")
    settings = load_settings()
    assert (settings.start_date, settings.grid_seconds) == (date(2026, 3, 1), 10)


def test_places_named_from_here_are_the_same_for_a_process_that_works_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_LAKE_URL", "lake")
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", "duckdb:///marts/fleet.duckdb")
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert (settings.lake, settings.warehouse_file) == (str(tmp_path / "lake"), tmp_path / "marts" / "fleet.duckdb")


def test_a_server_warehouse_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", "postgresql://user:secret@host/fleet")
    with pytest.raises(SettingError, match=r"postgresql://user@host/fleet is not a DuckDB file") as refusal:
        _ = load_settings().warehouse_file
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("stated", ["host=db user=fleet password=s3cret", "mysql://fleet:s3cret@db/x", "s3cret"])
def test_a_warehouse_address_of_no_known_kind_is_refused_without_its_password(
    stated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", stated)
    with pytest.raises(SettingError, match="is neither duckdb:///FILE nor postgresql://") as refused:
        assert load_settings().is_on_postgres
    assert "s3cret" not in str(refused.value)
