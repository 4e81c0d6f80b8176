"""What stored rows break stays known until they change: also to a build that has nothing to do."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date

import dagster as dg
import polars as pl
import pytest

from fleet_assets.commands.build import build_now
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.contracts import RAW_TELEMETRY, TELEMETRY, TRIPS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.dbt.small_fleet import events, trip
from fleet_assets_tests.fixtures.fleet_here import FleetHere, fleet_here
from fleet_assets_tests.fixtures.installation import small_day

__all__ = ["fleet_here"]

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
SELECT = "group:reference,group:raw,telemetry"
OVERLAP = dg.AssetCheckKey(dg.AssetKey("trips"), "trips_do_not_overlap")
CONTRACT = dg.AssetCheckKey(dg.AssetKey("telemetry"), "contract")


@pytest.fixture
def broken(installation: Installation) -> Installation:
    """Two stored days of telemetry; the speeds of the first are made impossible behind the build's back."""
    installation.landing.append("telemetry", pl.concat([small_day(MONDAY), small_day(TUESDAY)]), "one")
    build_now(installation, BuildRequest(select=SELECT))
    break_rows(installation)
    return installation


def break_rows(installation: Installation) -> None:
    record = installation.lake.record(TELEMETRY, MONDAY)
    assert record is not None
    rows = installation.lake.scan(TELEMETRY, [MONDAY]).with_columns(speed_kmh=pl.lit(-5.0)).collect()
    installation.lake.write(TELEMETRY, MONDAY, rows, record.inputs)


def judged(installation: Installation, day: date, check: dg.AssetCheckKey = CONTRACT) -> bool:
    """Run a check alone for a day, as from the UI; whether it holds."""
    from fleet_assets.definitions import defs

    prepare_dagster_home(installation)
    job = defs().resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection=set(), asset_check_selection={check})
    with dg.DagsterInstance.get() as instance:
        result = alone.execute_in_process(instance=instance, partition_key=day.isoformat())
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation.passed


def test_a_build_with_nothing_to_do_says_what_stored_rows_break_until_they_change(
    broken: Installation, fleet_here: FleetHere
) -> None:
    assert not judged(broken, MONDAY)
    assert not judged(broken, TUESDAY), "another day's rows hide what was found"
    ended = fleet_here("build", "--select", SELECT)
    assert ended.code == 1
    sentence = "nothing to build, but 1 check of what is stored does not hold: telemetry: contract (on 1 day, first "
    assert sentence + "2026-03-02: 100 rows with speed_kmh outside 0" in ended.err
    assert fleet_here("build", "--full", "--select", SELECT).code == 0
    assert [*broken.check_results.of(TELEMETRY)] == []
    assert judged(broken, TUESDAY)


KILLED_BEFORE_JUDGING = """
import os, sys
from fleet_assets.pipeline import day_rules
day_rules._found = lambda *_: os.kill(os.getpid(), 9)
from fleet_assets.cli import main
sys.argv[1:] = ["build", "--select", sys.argv[1]]
main()
"""


@pytest.mark.usefixtures("read_project")
def test_what_a_killed_build_stored_and_did_not_judge_is_judged_by_the_next(
    installation: Installation, fleet_here: FleetHere
) -> None:
    installation.landing.append("telemetry", small_day(MONDAY), "one")
    environment = os.environ | {"FLEET_HOME": str(installation.settings.root)}
    killed = [sys.executable, "-c", KILLED_BEFORE_JUDGING, "raw_telemetry,telemetry"]
    assert subprocess.run(killed, env=environment, capture_output=True, check=False).returncode == -9
    # The first check that ran was that of raw rows: those of telemetry come after it.
    assert installation.check_results.owed(RAW_TELEMETRY) == {MONDAY}
    assert fleet_here("build", "--select", SELECT).code == 0
    assert installation.check_results.owed(RAW_TELEMETRY) == installation.check_results.owed(TELEMETRY) == set()
    assert build_now(installation, BuildRequest(select=SELECT)).tables == []
    installation.check_results.owe(TELEMETRY, MONDAY, ["contract"])
    break_rows(installation)
    assert fleet_here("build", "--select", SELECT).code == 1


def test_a_day_is_judged_anew_when_the_day_changes_that_it_was_found_to_overlap(installation: Installation) -> None:
    night = {day: events(TRIPS, trip("v", f"{day} 00:30", 30, 10.0)) for day in (MONDAY, TUESDAY)}
    into_tuesday = events(TRIPS, trip("v", "2026-03-02 23:50", 60, 10.0))
    installation.lake.write(TRIPS, TUESDAY, night[TUESDAY], "one")
    for monday, holds in ((into_tuesday, False), (night[MONDAY], True), (into_tuesday, False)):
        installation.lake.write(TRIPS, MONDAY, monday, "one")
        assert judged(installation, MONDAY, OVERLAP) is holds
