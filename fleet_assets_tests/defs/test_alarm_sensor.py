"""The sensor of alarms, as Dagster calls it: the table's content is its cursor, and a wrong setting is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.errors import SettingError
from fleet_assets.defs.alarm_sensor import alarm_sensor
from fleet_assets.installation import Installation
from fleet_assets.resources import InstallationResource
from fleet_assets_tests.fixtures.webhook_server import webhook_server


def store(installation: Installation, *names: str) -> None:
    """Alarms that became final an hour ago, each of a vehicle of its own."""
    at = datetime.now(UTC) - timedelta(hours=1)
    rows = [
        {"alarm_id": name, "vehicle_id": name, "source": "theft_model", "kind": "theft", "started_at": at,
         "recorded_at": at, "closed_at": at, "local_date": at.date(), "rules_version": "r"}
        for name in names
    ]  # fmt: skip
    installation.lake.write(ALARMS, at.date(), pl.DataFrame(rows, schema=ALARMS.schema), "test")


def tick(instance: dg.DagsterInstance, cursor: str | None) -> tuple[str, str | None]:
    """What one evaluation says, and the cursor that it leaves."""
    resources = {"installation": InstallationResource()}
    with dg.build_sensor_context(instance, resources=resources, cursor=cursor) as context:
        said = alarm_sensor(context)
        assert isinstance(said, dg.SkipReason)
        return said.skip_message or "", context.cursor


def test_new_alarms_are_raised_once_and_a_table_that_did_not_change_is_not_read(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.ephemeral() as instance, webhook_server() as receiver:
        monkeypatch.setenv("FLEET_WEBHOOK_URL", receiver.url)
        monkeypatch.setenv("FLEET_WEBHOOK_SECRET", "key")
        said, cursor = tick(instance, None)
        assert said == "No alarm."
        store(installation, "a")
        said, after = tick(instance, cursor)
        assert (said, receiver.ids) == ("1 delivered", ["a"])
        assert after != cursor
        assert tick(instance, after) == ("No alarm waits.", after)
        store(installation, "a", "b")
        assert tick(instance, after)[0] == "2 delivered"
        assert receiver.ids == ["a", "b"]


def test_what_failed_is_looked_at_though_the_table_did_not_change(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.ephemeral() as instance, webhook_server() as receiver:
        monkeypatch.setenv("FLEET_WEBHOOK_URL", receiver.url)
        monkeypatch.setenv("FLEET_WEBHOOK_SECRET", "key")
        store(installation, "a")
        receiver.answers = [500]
        said, cursor = tick(instance, None)
        assert said == "1 waiting"
        assert tick(instance, cursor)[0] == "1 waiting"
        assert receiver.ids == ["a"]  # its time has not come yet


@pytest.mark.usefixtures("installation")
def test_an_address_without_a_secret_fails_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_WEBHOOK_URL", "https://example.org/alarms")
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(SettingError, match="FLEET_WEBHOOK_SECRET"):
        tick(instance, None)
