"""Dagster's SQLite files as this project opens them."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.defs.instance_storage import Events
from fleet_assets.installation import Installation
from fleet_assets.project_files import project_file

KEY = dg.AssetKey("trips")


def _told(instance: dg.DagsterInstance, days: range) -> None:
    for day in days:
        instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=f"2026-03-{day:02}"))


def _own(folder: Path) -> dg.DagsterInstance:
    text = (
        "storage:\n  custom:\n    module: fleet_assets.defs.instance_storage\n    class: InstanceStorage\n"
        f"    config:\n      base_dir: {folder}\n"
    )
    (folder / "dagster.yaml").write_text(text)
    return dg.DagsterInstance.from_config(str(folder))


def _shipped_by_dagster(folder: Path) -> dg.DagsterInstance:
    (folder / "dagster.yaml").write_text("")
    return dg.DagsterInstance.from_config(str(folder))


def test_it_reads_what_dagsters_own_storage_wrote_and_the_other_way_round(tmp_path: Path) -> None:
    with _shipped_by_dagster(tmp_path) as instance:
        _told(instance, range(1, 3))
    with _own(tmp_path) as instance:
        assert isinstance(instance.event_log_storage, Events)
        assert instance.get_materialized_partitions(KEY) == {"2026-03-01", "2026-03-02"}
        _told(instance, range(3, 4))
    with _shipped_by_dagster(tmp_path) as instance:
        assert instance.get_materialized_partitions(KEY) == {"2026-03-01", "2026-03-02", "2026-03-03"}


def test_events_need_no_connection_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    connect = sqlite3.dbapi2.connect

    def counted(*given: Any, **named: Any) -> sqlite3.Connection:
        opened.append(given)
        made: sqlite3.Connection = connect(*given, **named)
        return made

    with _own(tmp_path) as instance:
        monkeypatch.setattr(sqlite3.dbapi2, "connect", counted)
        _told(instance, range(1, 3))
        few = len(opened)
        _told(instance, range(3, 29))
        assert len(opened) == few
        assert len(instance.get_materialized_partitions(KEY)) == 28


def test_threads_that_write_at_once_lose_no_event(tmp_path: Path) -> None:
    with _own(tmp_path) as instance, ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(_told, instance, range(first, 29, 4)) for first in range(1, 5)]:
            done.result()
        assert len(instance.get_materialized_partitions(KEY)) == 28


def test_a_file_that_an_earlier_version_put_there_is_replaced_and_one_that_somebody_changed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_HOME", str(tmp_path))
    installation = Installation.from_environment()
    file = installation.settings.dagster_home / "dagster.yaml"
    file.parent.mkdir(parents=True)
    shipped = project_file("dagster.yaml").read_text()
    before, storage = shipped.split("# Dagster's own files")[0], "telemetry:" + shipped.split("telemetry:", 1)[1]
    file.write_text(before + storage)
    prepare_dagster_home(installation)
    assert file.read_text() == shipped
    file.write_text(before + storage + "# mine\n")
    prepare_dagster_home(installation)
    assert file.read_text() == before + storage + "# mine\n"
