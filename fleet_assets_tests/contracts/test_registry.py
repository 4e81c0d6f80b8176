"""The registry knows every source by name and folder, and refuses declarations that contradict each other."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from fleet_assets.contracts import (
    LAKE_TABLES,
    TRIPS,
    Column,
    RawTable,
    Reduction,
    Registry,
    Source,
    Table,
    lake_tables,
    registry,
)
from fleet_assets.contracts.errors import SettingError, UsageError
from fleet_assets_tests.fixtures.depot_source import DEPOT, LEVELS, POSITIONS

MESSAGES = RawTable(
    Table(
        "messages",
        "One payload as it came.",
        (
            *(Column(name, kind, name, required=True) for name, kind in [
                ("recorded_at", "ts"), ("received_at", "ts"), ("vehicle_id", "str"), ("source", "str"),
            ]),
            Column("entry_id", "str", "Name.", required=True),
        ),
        key=("entry_id",),
        partition_by="recorded_at",
    ),
    "messages",
    "Payloads of every vendor.",
)  # fmt: skip


def with_sources(*installed: Source) -> Registry:
    return Registry(registry().shipped, installed)


def test_every_source_that_comes_along_has_its_raw_table_in_the_lake_and_a_reader() -> None:
    assert [source.name for source in registry().shipped] == ["can", "telemetry"]
    assert {raw.table.name for raw in registry().landed} == {"raw_can", "raw_telemetry", "ingest_gaps"}
    assert {raw.table.name for raw in registry().landed} <= LAKE_TABLES.keys()
    assert all(source.files for source in registry().shipped)


def test_a_name_in_the_quarantine_stands_for_a_source_or_one_of_its_folders() -> None:
    known = with_sources(DEPOT)
    assert [known.source_of(name) for name in ("depot", "depot_levels", "can", "elsewhere")] == [
        DEPOT, DEPOT, registry().source("can"), None,
    ]  # fmt: skip
    assert known.not_shipped == {"depot_levels", "depot_positions", "depot_alarms"}


def test_what_does_not_exist_is_named_with_what_does() -> None:
    with pytest.raises(UsageError, match="source 'torque' does not exist; there are can, telemetry"):
        registry().source("torque")
    with pytest.raises(UsageError, match="source 'torque' does not exist; there are can, gaps, telemetry"):
        registry().folder("torque")


def test_sources_that_share_a_raw_table_count_under_their_own_names() -> None:
    known = with_sources(Source("torque", (MESSAGES,)), Source("wialon", (MESSAGES,)), DEPOT)
    assert [(name, raw.folder, is_shared) for name, raw, is_shared in known.counted()] == [
        ("can", "can", False), ("telemetry", "telemetry", False), ("torque", "messages", True),
        ("wialon", "messages", True), ("depot_positions", "depot_positions", False),
        ("depot_levels", "depot_levels", False),
    ]  # fmt: skip
    assert [raw.folder for raw in known.landed].count("messages") == 1


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ((DEPOT, DEPOT), "source depot is declared twice"),
        ((Source("other", (RawTable(POSITIONS, "can", ""),)),), "landing folder can is declared twice"),
        ((DEPOT, Source("other", (RawTable(LEVELS, "other", ""),))), "raw table depot_levels is declared twice"),
        (
            (Source("other", (RawTable(replace(LEVELS, name="x", columns=LEVELS.columns[1:]), "x", ""),)),),
            "raw table x lacks a day or one of the columns vehicle_id, recorded_at, received_at, entry_id",
        ),
        (
            (Source("one", (replace(DEPOT.raw[0]),)), Source("two", (replace(DEPOT.raw[0]),))),
            "raw table depot_positions is shared by sources and has no column source",
        ),
    ],
)
def test_declarations_that_contradict_each_other_are_refused(installed: tuple[Source, ...], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        with_sources(*installed)


def test_a_table_of_a_source_may_not_take_the_name_of_another_table() -> None:
    trips = with_sources(Source("other", (RawTable(replace(LEVELS, name="trips"), "other", ""),)))
    with pytest.raises(SettingError, match="table trips of a source has the name of another table"):
        lake_tables(trips)
    into_trips = with_sources(Source("other", (), (Reduction(TRIPS, lambda: None, ()),)))
    with pytest.raises(SettingError, match="table trips of a source has the name of another table"):
        lake_tables(into_trips)


def test_nothing_is_looked_up_while_modules_load() -> None:
    code = (
        "import fleet_assets.cli, fleet_assets.definitions, fleet_assets.adapters.postgres.load;"
        "from fleet_assets.contracts import registry; print(registry.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
