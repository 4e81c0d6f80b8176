"""A plan is looked up where nothing has moved since the last one, and found anew where anything that it reads has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from time import sleep
from typing import Any

import pytest

from fleet_assets.adapters.lake_manifest import Manifest
from fleet_assets.adapters.quarantine import Reason
from fleet_assets.contracts import MODEL_TABLES, TELEMETRY, TRIPS
from fleet_assets.installation import Installation
from fleet_assets.pipeline import plan as planning
from fleet_assets.pipeline.day_rules import day_rules, judge
from fleet_assets.pipeline.day_tables import DUE_AT
from fleet_assets.pipeline.plan import BuildRequest, Plan, followed_tables, plan_build
from fleet_assets.pipeline.planned import MEMORY
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.proofs.histories.lakes import new_installation, store

DAY = date(2026, 3, 2)
VEHICLES = "vehicle_id,name,timezone,powertrain\nvan-1,{name},{zone},ice\n"


def plan(installation: Installation) -> Plan:
    return plan_build(installation, BuildRequest(), followed_tables())


def declare(installation: Installation, name: str = "Ann", zone: str = "Europe/Madrid") -> None:
    installation.settings.reference.mkdir(parents=True, exist_ok=True)
    (installation.settings.reference / "vehicles.csv").write_text(VEHICLES.format(name=name, zone=zone))


@pytest.fixture
def built(tmp_path: Any) -> Installation:
    """A vehicle with a drive on one day, looked at once after it was built."""
    installation = new_installation(tmp_path)
    declare(installation)
    installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    store(installation, BuildRequest())
    for rule in day_rules():
        judge(installation, rule, installation.check_results.owed(rule.table))
    assert plan(installation).is_empty
    return installation


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables whose days are looked at one by one from here on."""
    tables: list[str] = []
    look = planning._Look.at

    def recorded(self: Any, maker: Any, days: Any) -> None:
        tables.append(maker.table.name)
        look(self, maker, days)

    monkeypatch.setattr(planning._Look, "at", recorded)
    return tables


def test_where_nothing_moved_no_day_is_looked_at(built: Installation, looked_at: list[str]) -> None:
    assert plan(built).is_empty
    assert plan(Installation(built.settings)).is_empty
    assert looked_at == []


def test_days_that_are_stale_are_told_from_memory_with_their_reasons(built: Installation, looked_at: list[str]) -> None:
    declare(built, zone="Asia/Tokyo")
    first = plan(built)
    assert "reference rows" in first.reasons["trips"][DAY]
    looked_at.clear()
    assert plan(Installation(built.settings)) == first
    assert looked_at == []


def land(installation: Installation) -> None:
    installation.landing.append("telemetry", drive("van-2", at("2026-03-02 09:00")), "two")


def set_aside(installation: Installation) -> None:
    rows = drive("van-1", at("2026-03-02 08:00"))
    installation.quarantine.put("telemetry", rows, "three", Reason("clock", "its clock was wrong"))


def withdraw(installation: Installation) -> None:
    installation.lake.withdraw(TRIPS, DAY)


def owe(installation: Installation) -> None:
    installation.check_results.owe(TELEMETRY, DAY, ["contract"])


def rezone(installation: Installation) -> None:
    declare(installation, zone="Asia/Tokyo")


MOVES = {"raw_telemetry": land, "ingest_quarantined": set_aside, "trips": withdraw, "telemetry": owe, "stops": rezone}


@pytest.mark.parametrize(("table", "move"), MOVES.items())
def test_what_moved_is_seen(built: Installation, table: str, move: Callable[[Installation], None]) -> None:
    move(built)
    assert table in plan(built).reasons


def test_another_setting_is_seen_and_the_former_one_again(built: Installation) -> None:
    other = Installation(built.settings.model_copy(update={"timezone": "Asia/Tokyo"}))
    assert "trips" in plan(other).reasons
    assert plan(built).is_empty


def test_the_instant_at_which_an_event_becomes_final_is_seen(built: Installation) -> None:
    record = built.lake.record(TRIPS, DAY)
    assert record is not None
    due = datetime.now(UTC) + timedelta(seconds=1.5)
    built.lake.restate(TRIPS, DAY, replace(record, notes={**record.notes, DUE_AT: due.isoformat()}))
    assert plan(built).is_empty
    sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()) + 0.01)
    assert plan(built).reasons["trips"] == {DAY: ("events became final",)}


@pytest.mark.parametrize("text", ["", "nonsense", 'a\n{"seen": 1}'])
def test_a_damaged_memory_is_as_good_as_none(built: Installation, looked_at: list[str], text: str) -> None:
    (built.lake.root / MEMORY).write_text(text)
    assert plan(built).is_empty
    assert "trips" in looked_at


def test_a_request_for_all_days_asks_no_memory(built: Installation, looked_at: list[str]) -> None:
    found = plan_build(built, BuildRequest(full=True), followed_tables())
    assert found.reasons["raw_telemetry"] == {DAY: ("all asked for",)}
    assert "trips" in looked_at


def test_planning_asks_once_for_the_newest_generation_of_each_table(
    built: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (built.lake.root / MEMORY).unlink()
    asked: Counter[str] = Counter()
    newest = Manifest.newest

    def counted(self: Manifest) -> Any:
        asked[self.table_folder.name] += 1
        return newest(self)

    monkeypatch.setattr(Manifest, "newest", counted)
    plan(built)
    # Of a table that was never stored (no model is needed here), being away is looked at twice.
    assert {count for name, count in asked.items() if name not in MODEL_TABLES} == {1}
    assert {"trips", "raw_telemetry", "vehicles"} <= asked.keys()
