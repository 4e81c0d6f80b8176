"""The nightly prune: asleep until somebody starts it, and the same prune as by hand."""

from __future__ import annotations

import os
from datetime import date
from time import time

import dagster as dg
import pytest

from fleet_assets.installation import Installation
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.fixtures.drives import at, drive

DAY, NEXT_DAY = date(2026, 3, 2), date(2026, 3, 3)


def names(installation: Installation, day: date) -> list[str]:
    return [file.path.name for file in installation.landing.files("telemetry", day)]


def test_the_schedule_sleeps_until_somebody_starts_it() -> None:
    from fleet_assets.definitions import defs

    schedule = defs().resolve_schedule_def("landing_retention")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "30 2 * * *"


def test_its_job_prunes_files_older_than_the_setting_and_keeps_younger_ones(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet_assets.definitions import defs

    monkeypatch.setenv("FLEET_LANDING_KEEP_DAYS", "3")
    for day, age_days in ((DAY, 4), (NEXT_DAY, 2)):
        installation.landing.append("telemetry", drive("van-1", at(f"{day} 08:00")), "one")
        (file,) = installation.landing.files("telemetry", day)
        os.utime(file.path, (time() - age_days * 86_400,) * 2)
    list(store_days(installation, DAY_TABLES["raw_telemetry"], [DAY, NEXT_DAY], only_stale=True))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs().resolve_job_def("landing_retention_job").execute_in_process(instance=instance)
    assert result.success
    assert [name.startswith("sealed-") for name in names(installation, DAY)] == [True]
    assert [name.startswith("sealed-") for name in names(installation, NEXT_DAY)] == [False]
