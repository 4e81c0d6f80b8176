"""Findings are told as long as the rows are those in which they were found, also those that an earlier version kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.check_results import CheckResults, FailedCheck
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets_tests.fixtures.drives import at

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
FOUND = FailedCheck("standing_periods", DAY, "contract", True, ["a sentence"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path))
    for day in (DAY, NEXT):
        lake.write(STANDING_PERIODS, day, periods(day), "one")
    return lake


def periods(day: date) -> pl.DataFrame:
    rows = {
        "vehicle_id": ["van-1"], "started_at": [at(f"{day} 08:00")], "ended_at": [at(f"{day} 09:00")],
        "charger_s": [0.0],
    }  # fmt: skip
    return STANDING_PERIODS.conform(pl.LazyFrame(rows)).collect()


def keep_as_before(lake: Lake, day: date, rule: str) -> Path:
    """A finding where the version before kept it."""
    record = lake.record(STANDING_PERIODS, day)
    assert record is not None
    path = lake.path(STANDING_PERIODS, day).with_name(f"{rule}.finding.json")
    path.write_text(json.dumps({"content": record.content, "is_error": True, "sentences": ["a sentence"]}))
    return path


def test_a_finding_is_told_until_its_rule_holds(lake: Lake) -> None:
    findings = CheckResults(lake)
    findings.note(STANDING_PERIODS, DAY, "contract", ["a sentence"], is_error=True)
    assert [*findings.of(STANDING_PERIODS)] == [*findings.of(STANDING_PERIODS, "contract")] == [FOUND]
    assert [*findings.of(STANDING_PERIODS, "another")] == []
    findings.note(STANDING_PERIODS, DAY, "contract", [], is_error=True)
    assert [*findings.of(STANDING_PERIODS)] == []


def test_what_an_earlier_version_found_is_told_and_moved(lake: Lake) -> None:
    former = [keep_as_before(lake, day, "contract") for day in (NEXT, DAY)]
    for findings in (CheckResults(lake), CheckResults(Lake(str(lake.root)))):
        assert [one.day for one in findings.of(STANDING_PERIODS, "contract")] == [DAY, NEXT]
    assert not any(path.exists() for path in former)


def test_moving_goes_on_where_it_was_killed(lake: Lake) -> None:
    first, _ = keep_as_before(lake, DAY, "contract"), keep_as_before(lake, NEXT, "contract")
    moving = lake.folder(STANDING_PERIODS) / "_findings.moving"
    moving.mkdir()
    first.replace(moving / f"{DAY}.contract.json")
    assert [one.day for one in CheckResults(lake).of(STANDING_PERIODS)] == [DAY, NEXT]


def test_a_new_finding_hides_none_of_an_earlier_version(lake: Lake) -> None:
    keep_as_before(lake, DAY, "contract")
    findings = CheckResults(lake)
    findings.note(STANDING_PERIODS, NEXT, "contract", ["another sentence"], is_error=True)
    assert [one.day for one in findings.of(STANDING_PERIODS)] == [DAY, NEXT]


def test_where_nothing_may_be_moved_an_earlier_finding_is_told_all_the_same(lake: Lake) -> None:
    keep_as_before(lake, DAY, "contract")
    (lake.folder(STANDING_PERIODS) / "_findings.moving").write_text("no folder can be made here")
    assert [*CheckResults(lake).of(STANDING_PERIODS)] == [FOUND]
