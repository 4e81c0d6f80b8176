"""The sensor of the model, as Dagster calls it: it asks for a first model, and again where that failed."""

from __future__ import annotations

import time

import dagster as dg
import pytest

from fleet_assets.contracts import MODEL_TABLES, THEFT_CANDIDATES
from fleet_assets.defs.requests import RETRY_SECONDS, WHY_TAG
from fleet_assets.defs.theft_model import theft_model_sensor
from fleet_assets.installation import Installation
from fleet_assets.resources import InstallationResource
from fleet_assets_tests.core.theft.model.cases import candidates


def tick(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    with dg.build_sensor_context(instance, resources={"installation": InstallationResource()}) as context:
        said = theft_model_sensor(context)
    assert isinstance(said, dg.RunRequest | dg.SkipReason)
    return said


@pytest.mark.usefixtures("installation")
def test_without_a_fall_there_is_nothing_to_train_for() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert isinstance(tick(instance), dg.SkipReason)


def test_a_first_model_is_asked_for_until_there_is_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = candidates().head(1)
    installation.lake.write(THEFT_CANDIDATES, rows["closed_at"].dt.date().item(), rows, "test")
    keys = []
    with dg.DagsterInstance.ephemeral() as instance:
        for passed in (0, 1, RETRY_SECONDS):
            monkeypatch.setattr(time, "time", lambda at=1_772_352_000.0 + passed: at)
            asked = tick(instance)
            assert isinstance(asked, dg.RunRequest)
            assert {key.path[-1] for key in asked.asset_selection or ()} == {*MODEL_TABLES}
            assert asked.tags[WHY_TAG] == "no model can be used"
            keys.append(asked.run_key)
    assert keys[0] == keys[1] != keys[2]
