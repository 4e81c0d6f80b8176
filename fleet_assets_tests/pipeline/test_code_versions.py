"""A version is that of what decides a table's rows: code, rules and schemas change it, words and neighbours do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

import fleet_assets
from fleet_assets.contracts import LAKE_TABLES
from fleet_assets.pipeline.plan import followers

ASK = """
from fleet_assets.pipeline.tables import DAY_TABLES
for name, maker in DAY_TABLES.items():
    print(name, maker.code_version)
"""


class Copy:
    """The package in a folder of its own, to be changed and asked for its versions."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "fleet_assets"
        copytree(Path(fleet_assets.__file__).parent, self.package, ignore=ignore_patterns("__pycache__"))

    def change(self, file: str, old: str, new: str) -> None:
        path = self.package / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def versions(self) -> dict[str, str]:
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", ASK],
            cwd=self.package.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(line.split() for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return Copy(tmp_path_factory.mktemp("now")).versions()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def changed(copy: Copy, now: dict[str, str]) -> set[str]:
    found = copy.versions()
    return {name for name in now if found[name] != now[name]}


def test_every_table_of_the_lake_has_a_version(now: dict[str, str]) -> None:
    assert now.keys() == LAKE_TABLES.keys()


def test_words_commands_adapters_and_new_tables_leave_every_version(copy: Copy, now: dict[str, str]) -> None:
    copy.change("contracts/events.py", "Vehicle that drove.", "The vehicle that was driven.")
    copy.change("contracts/events.py", "One trip of one vehicle", "A single trip of one vehicle")
    copy.change("core/stops.py", '"""', '"""Other words. ')
    copy.change("core/trips/detect.py", "def segment_trips(", "# A remark.\ndef segment_trips(")
    copy.change("commands/status.py", "run `fleet build`", "please run `fleet build`")
    copy.change("adapters/landing.py", "cannot be read", "could not be read")
    copy.change(
        "contracts/events.py",
        "STANDING_PERIODS = Table(",
        'NEW = Table("new", "A row.", (), ("x",))\n\nSTANDING_PERIODS = Table(',
    )
    assert changed(copy, now) == set()


def test_a_new_column_of_another_table_leaves_every_version(copy: Copy, now: dict[str, str]) -> None:
    copy.change(
        "contracts/reference.py", 'Column("phone"', 'Column("mail", "str", "Address."),\n        Column("phone"'
    )
    assert changed(copy, now) == set()


def test_a_column_of_a_reference_table_counts_for_those_that_read_it(copy: Copy, now: dict[str, str]) -> None:
    copy.change("contracts/reference.py", 'Column("city"', 'Column("colour", "str", "Paint."),\n        Column("city"')
    assert changed(copy, now) == set()
    copy.change("contracts/reference.py", 'Usable tank volume.", "l", low=1,', 'Usable tank volume.", "l", low=2,')
    assert changed(copy, now) == {"fuel_balance"}


def test_a_constant_of_the_contracts_counts_where_it_is_used(copy: Copy, now: dict[str, str]) -> None:
    copy.change(
        "contracts/ingest.py", "REGULAR_LOOK_BACK = timedelta(days=15)", "REGULAR_LOOK_BACK = timedelta(days=16)"
    )
    assert changed(copy, now) == {"ingest_outages", "fuel_events", "theft_candidates"}


def test_a_kernel_of_trips_changes_trips_alone_and_its_readers_follow(copy: Copy, now: dict[str, str]) -> None:
    copy.change("core/trips/segmentation.py", "np.empty((64, 5)", "np.empty((96, 5)")
    assert changed(copy, now) == {"trips", "hourly_use"}  # hours are shares of the same drives
    assert followers({"trips"}) == {"stops", "soc_transitions"}


def test_a_rule_changes_what_it_decides(copy: Copy, now: dict[str, str]) -> None:
    copy.change("core/stops.py", "idling_min_s: float = ", "idling_min_s: float = 1.0 + ")
    assert changed(copy, now) == {"stops"}


def test_a_helper_beside_the_function_counts(copy: Copy, now: dict[str, str]) -> None:
    copy.change("pipeline/tables/raw.py", "deduplicate(landed, table)", "deduplicate(landed.head(), table)")
    assert changed(copy, now) == {"raw_can", "raw_telemetry", "ingest_gaps"}


def test_a_new_column_makes_its_table_and_its_readers_stale_and_not_its_inputs(copy: Copy, now: dict[str, str]) -> None:
    column = 'Column("trip_id", "str", "Stable hash of vehicle and start.", required=True),'
    copy.change("contracts/events.py", column, f'{column}\n        Column("note", "str", "A remark."),')
    assert changed(copy, now) == {"trips", "stops", "soc_transitions"}


def test_a_change_is_seen_by_the_next_process_whatever_the_last_one_remembers(copy: Copy) -> None:
    before = copy.versions()
    assert copy.versions() == before
    copy.change("core/stops.py", "def derive_stops(", "OTHER = 1\n\n\ndef derive_stops(")
    changed_tables = {name for name, version in copy.versions().items() if version != before[name]}
    assert changed_tables == {"stops"}
