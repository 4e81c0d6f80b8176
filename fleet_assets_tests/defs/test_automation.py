"""What automation asks for after a partition was stored: what its content reaches, and nothing where it did not change.

Real ticks of the real conditions on a real instance; a run is what `fleet build` of the same table does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copytree

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from fleet_assets.commands.build import build_now
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.contracts import INGEST_TABLES, LAKE_TABLES, RAW_TELEMETRY, TELEMETRY
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.fixtures.drives import at, drive

DAYS = ("2026-03-02", "2026-03-03", "2026-03-04")
NO_MARTS = "group:reference,group:raw,telemetry,group:events"
Tick = Callable[[], dict[str, set[str]]]


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation in which three days of a van are built, marts left out."""
    home = tmp_path_factory.mktemp("three-days")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_HOME", str(home))
        installation = Installation.from_environment()
        installation.landing.append("telemetry", pl.concat(drive("van-1", at(f"{day} 08:00")) for day in DAYS), "first")
        build_now(installation, BuildRequest(select=NO_MARTS))
    return home


@pytest.fixture
def tick(installation: Installation, three_days: Path) -> Tick:
    """Evaluates the conditions of all assets, of which nothing is wanted at first; returns the days asked for.

    The tables that count what came in are left out: they follow every raw row.
    """
    copytree(three_days, installation.settings.root)
    prepare_dagster_home(installation)
    from fleet_assets.definitions import defs

    definitions = defs()
    cursor = None

    def evaluate() -> dict[str, set[str]]:
        nonlocal cursor
        with dg.DagsterInstance.get() as instance:
            result = dg.evaluate_automation_conditions(defs=definitions, instance=instance, cursor=cursor)
        cursor = result.cursor
        keys = definitions.resolve_asset_graph().materializable_asset_keys
        asked = {key.path[-1]: {str(day) for day in result.get_requested_partitions(key)} for key in keys}
        return {name: days for name, days in asked.items() if days and name not in INGEST_TABLES}

    evaluate()
    assert evaluate() == {}
    return evaluate


def run(installation: Installation, name: str, *days: str, full: bool = False) -> None:
    first, last = (date.fromisoformat(days[0]), date.fromisoformat(days[-1])) if days else (None, None)
    build_now(installation, BuildRequest(first, last, name, full))


def data_versions(name: str) -> dict[str, str]:
    """The newest data version of each partition, as the instance knows it."""
    with dg.DagsterInstance.get() as instance:
        records = instance.fetch_materializations(dg.AssetKey(name), limit=1000, ascending=True).records
    events = [record.asset_materialization for record in records]
    return {str(event.partition): event.tags[DATA_VERSION_TAG] for event in events if event and event.tags}


def test_the_data_version_of_a_partition_is_the_hash_of_its_bytes(installation: Installation, tick: Tick) -> None:
    del tick
    for name in (
        "raw_telemetry",
        "telemetry",
        "last_readings",
        "readings_before_silence",
        "rises_over_midnight",
        "hourly_use",
        "trips",
        "standing_periods",
        "stops",
    ):
        table, versions = LAKE_TABLES[name], data_versions(name)
        assert versions == {
            str(day): record.content
            for day in installation.lake.days(table)
            if (record := installation.lake.record(table, day))
        }
        assert len(versions) >= 3


def test_a_row_that_arrives_twice_moves_nothing(installation: Installation, tick: Tick) -> None:
    installation.landing.append("telemetry", drive("van-1", at("2026-03-03 08:00")), "again")
    run(installation, "raw_telemetry")
    assert tick() == {}


def test_the_same_bytes_computed_again_move_nothing(installation: Installation, tick: Tick) -> None:
    run(installation, "raw_telemetry,telemetry,trips", *DAYS, full=True)
    assert tick() == {}


def test_a_late_drive_is_followed_table_by_table_and_only_as_far_as_contents_change(
    installation: Installation, tick: Tick
) -> None:
    installation.landing.append("telemetry", drive("van-1", at("2026-03-03 15:00")), "late")
    run(installation, "raw_telemetry")
    assert tick() == {"telemetry": {"2026-03-03", "2026-03-04"}}
    run(installation, "telemetry", "2026-03-03", "2026-03-04")
    follows = tick()
    assert follows.keys() & LAKE_TABLES.keys() == {
        "trips", "standing_periods", "last_readings", "charging_periods", "hourly_use", "fuel_plateaus",
        "engine_starts",
    }  # fmt: skip
    assert follows["standing_periods"] == {"2026-03-03"}
    assert follows["trips"] == {"2026-03-03", "2026-03-04"}


def test_raw_rows_that_change_no_telemetry_stop_there(installation: Installation, tick: Tick) -> None:
    before = installation.lake.record(TELEMETRY, date(2026, 3, 3))
    said_twice = drive("van-1", at("2026-03-03 08:00")).with_columns(pl.col("entry_id") + "-other")
    installation.landing.append("telemetry", said_twice, "other entries, same content")
    run(installation, "raw_telemetry")
    assert installation.lake.record(RAW_TELEMETRY, date(2026, 3, 3)).row_count == 2 * said_twice.height  # type: ignore[union-attr]
    assert tick() == {"telemetry": {"2026-03-03", "2026-03-04"}}
    run(installation, "telemetry", "2026-03-03", "2026-03-04")
    after = installation.lake.record(TELEMETRY, date(2026, 3, 3))
    assert before is not None
    assert after is not None
    assert (after.content, after.inputs != before.inputs) == (before.content, True)
    assert tick() == {}
