"""What stands out of thefts beside a partition in Dagster's UI, in words."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl
import pytest

from fleet_assets.contracts import FUEL_EVENTS, TRIPS, Table
from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.theft import THEFT_SCORES
from fleet_assets.installation import Installation
from fleet_assets.pipeline.storing import StoredDay
from fleet_assets.pipeline.theft_cases import words_of
from fleet_assets.resources import day_event
from fleet_assets_tests.fixtures.robbed_fleet import LORRY, build_robbed


@pytest.fixture
def robbed(installation: Installation) -> Installation:
    return build_robbed(installation, [0.97, 0.2])


def rows_of(installation: Installation, table: Table) -> pl.DataFrame:
    return installation.lake.scan(table).collect()


def test_the_largest_loss_of_fuel_events_is_explained(robbed: Installation) -> None:
    said = words_of(robbed, FUEL_EVENTS, rows_of(robbed, FUEL_EVENTS))
    assert said[0].startswith(f"{LORRY}: 56.8 l are missing, Tue 2026-03-03 10:04")
    assert "Model m-1: probability of a theft 0.970." in said


def test_the_most_probable_score_is_explained_and_none_below_one_half(robbed: Installation) -> None:
    scores = rows_of(robbed, THEFT_SCORES)
    assert words_of(robbed, THEFT_SCORES, scores)[0].startswith(f"{LORRY}: 56.8 l are missing")
    assert words_of(robbed, THEFT_SCORES, scores.filter(pl.col("probability") < 0.5)) == []


def test_alarms_of_the_model_are_explained_and_those_of_others_are_not(robbed: Installation) -> None:
    scores = rows_of(robbed, THEFT_SCORES).sort("probability")
    alarms = scores.select("vehicle_id", "event_id", pl.col("scored_at").alias("closed_at")).with_columns(
        pl.Series("source", ["theft_model", "device"])
    )
    said = words_of(robbed, ALARMS, alarms)
    (told,) = [line for line in said if "missing" in line]
    assert told.startswith(f"{LORRY}: 39.2 l are missing")


def test_other_tables_and_empty_days_have_no_words(robbed: Installation) -> None:
    assert words_of(robbed, TRIPS, TRIPS.empty()) == []
    assert words_of(robbed, FUEL_EVENTS, FUEL_EVENTS.empty()) == []


def test_a_wrong_file_of_reviews_stands_in_nobodys_way(robbed: Installation) -> None:
    (robbed.settings.reference / "theft_reviews.csv").write_text("nonsense\n1\n")
    assert words_of(robbed, FUEL_EVENTS, rows_of(robbed, FUEL_EVENTS))


def test_a_drawn_day_of_scores_has_its_picture_and_its_explanation_in_the_ui(robbed: Installation) -> None:
    day = date(2026, 3, 4)
    record = robbed.lake.record(THEFT_SCORES, day)
    assert record is not None
    stored = StoredDay(day, record, None, robbed.lake.scan(THEFT_SCORES, [day]).collect())
    event = day_event(dg.AssetKey("theft_scores"), THEFT_SCORES, stored, robbed, is_drawn=True)
    assert str(event.metadata["picture"].value).startswith("![theft_scores](data:image/png;base64,")
    assert f"- {LORRY}: 56.8 l are missing" in str(event.metadata["explanation"].value)
    plain = day_event(dg.AssetKey("theft_scores"), THEFT_SCORES, stored, robbed)
    assert not {"picture", "explanation"} & plain.metadata.keys()
