"""A fresh installation: one `fleet build` trains a model and scores every fall, without any click."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.contracts import THEFT_CANDIDATES, THEFT_MODEL_METRICS, THEFT_SCORES, THEFT_TRAINING_SET
from fleet_assets_tests.fixtures.energy_fleet import energy_rows, write_energy_reference
from fleet_assets_tests.fixtures.installation import OwnInstallation
from fleet_assets_tests.fixtures.read_project import give_read_project

pytestmark = pytest.mark.slow
MONDAY = date(2026, 3, 2)
SELECTED = "group:reference,group:raw,telemetry,group:ingest,group:events,group:insights"


def test_a_fresh_installation_has_scores_after_one_build_and_other_ones_after_a_training(tmp_path: Path) -> None:
    here = OwnInstallation(tmp_path / "home")
    give_read_project(here.root)
    write_energy_reference(here.installation.settings.reference, MONDAY)
    here.land(energy_rows(MONDAY, 3).filter(pl.col("vehicle_id").str.starts_with("tank")), "three-days")
    built = here.fleet("build", "--select", SELECTED)
    assert built.returncode == 0, built.stderr
    assert "promoted: no other model can be used" in built.stdout
    lake = here.installation.lake
    scores = lake.scan(THEFT_SCORES).collect()
    assert scores.height == lake.scan(THEFT_CANDIDATES).collect().height > 0
    (version,) = scores["model_version"].unique()
    assert all(json.loads(text)["base"] for text in scores["contributions"])
    assert (
        lake.scan(THEFT_MODEL_METRICS).filter(pl.col("role") == "champion").collect()["method"].unique()[0] == version
    )

    again = here.fleet("build", "--select", SELECTED)
    assert "What is selected is up to date." in again.stdout
    trained = here.fleet("model", "train")
    assert trained.returncode == 0, trained.stderr
    assert f"{version} scores as before" in trained.stdout

    event = scores.sort("probability").row(-1, named=True)
    (here.installation.settings.reference / "theft_reviews.csv").write_text(
        "review_id,vehicle_id,event_started_at,event_ended_at,event_id,verdict,reason,note,reviewed_at,reviewer\n"
        f"r1,{event['vehicle_id']},{event['started_at'].isoformat()},,{event['event_id']},no_theft,sensor,,"
        f"{event['scored_at'].isoformat()},\n"
    )
    here.fleet("build", "--select", "theft_reviews")
    trained = here.fleet("model", "train")
    assert trained.returncode == 0, trained.stderr
    own = lake.scan(THEFT_TRAINING_SET).filter(pl.col("fleet") == "own").collect()
    assert own.select("event_id", "is_theft").rows() == [(event["event_id"], False)]
