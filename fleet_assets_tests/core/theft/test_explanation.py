"""Explanations: sentences that say what is known, in litres or points, and nothing that is not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from fleet_assets.contracts import FUEL_BALANCE
from fleet_assets.core.theft.cases import CASES
from fleet_assets.core.theft.explanation import Around, explained

NIGHT = datetime(2026, 3, 3, 1, tzinfo=UTC)
EVIDENCE = {
    "why": "the level fell", "compared": "levels of the same stay", "plateaus_before": 1, "plateaus_after": 4,
    "levels_sd": 1.5, "burned_sd": 0.1, "drift_sd": 0.2, "unit": "l", "least_sigmas": 4.5,
}  # fmt: skip


def case(**told: object) -> dict[str, Any]:
    row = dict.fromkeys(CASES.names()) | {
        "event_id": "e", "vehicle_id": "lorry-1", "kind": "theft", "started_at": NIGHT,
        "ended_at": NIGHT + timedelta(minutes=20), "closed_at": NIGHT + timedelta(hours=5), "volume_l": 40.0,
        "volume_sd_l": 2.0, "confidence": 1 - 1e-6, "expected_consumption_l": 0.3, "evidence": json.dumps(EVIDENCE),
        "is_engine_on": False, "latitude_deg": 50.1, "longitude_deg": 8.6, "how": "fall", "size_over_noise": 20.0,
    }  # fmt: skip
    return row | told


def pair(**told: object) -> pl.DataFrame:
    row = {
        "ended_at": NIGHT + timedelta(minutes=20), "level_before_pct": 62.34, "level_before_sd_pct": 0.42,
        "level_after_pct": 52.3, "level_after_sd_pct": 0.4, "volume_before_l": 249.4, "volume_before_sd_l": 1.7,
        "volume_after_l": 209.2, "volume_after_sd_l": 1.6, "burned_source": "counter", **told,
    }  # fmt: skip
    return pl.DataFrame([row], schema={name: FUEL_BALANCE.schema[name] for name in row})


AROUND = Around(pair(), pl.DataFrame(schema=CASES), "North yard (depot)", "Europe/Berlin")


def test_a_theft_is_told_in_words_and_litres() -> None:
    assert explained(case(), AROUND) == [
        "lorry-1: 40.0 l are missing, Tue 2026-03-03 02:00 to Tue 2026-03-03 02:20 (Europe/Berlin).",
        "As a fuel event it is a theft: the level fell; noise reaches that far once in 1,000,000.",
        "The level was 62.3 % ± 0.4 % (249.4 l ± 1.7 l) before it and 52.3 % ± 0.4 % (209.2 l ± 1.6 l) after it.",
        "Compared were levels of the same stay (1 before, 4 after), which is what the litres are from.",
        "Expected to be burned meanwhile: 0.3 l, by the fuel counter.",
        "Not explained by that: 40.0 l ± 2.0 l (levels 1.5 l, burning 0.1 l, heat 0.2 l); 20.0 times its standard "
        "deviation.",
        "Place: North yard (depot), 50.10000, 8.60000. Engine: off.",
        "Nothing like it in the 90 days before.",
        "No model has scored it.",
        "It would have been harmless: below 9.0 l, which noise or burning may take; had 31.0 l more been burned by "
        "counter, drives or idling; had the level come back by Tue 2026-03-03 07:00; had it driven in a silence there, "
        "or its source been out: a change that nobody saw; had most vehicles of its source fallen by one factor: "
        "another scale of the source.",
    ]


def test_the_parts_of_a_probability_are_named_by_size_and_sum_to_its_log_odds() -> None:
    terms = {"base": -3.0, "size_over_noise": 5.5, "rate_lph": -0.25, **{f"other_{k}": 0.01 for k in range(6)}}
    said = explained(case(probability=0.9, model_version="m-7", contributions=json.dumps(terms)), AROUND)
    assert "Model m-7: probability of a theft 0.900." in said
    assert any(
        line.startswith("Its log odds: begin at -3.00; size_over_noise 20 adds +5.50, rate_lph not known adds -0.25, ")
        and line.endswith("2 others together +0.02.")
        for line in said
    )
    assert said[-1] == "To the model a theft would be less likely than not without any one of: size_over_noise 20."


def test_earlier_cases_are_named_with_their_reviews_the_newest_first() -> None:
    earlier = [
        case(started_at=NIGHT - timedelta(days=days), volume_l=30.0 + days, verdict=verdict, reason=reason)
        for days, verdict, reason in ((100, None, None), (50, "theft", "siphoned"), (2, None, None), (1, None, None))
    ]
    refuel = case(started_at=NIGHT - timedelta(hours=5), kind="refuel")
    said = explained(case(), replace(AROUND, earlier=pl.DataFrame([*earlier, refuel], schema=CASES)))
    assert (
        "Like it in the 90 days before: 31.0 l Mon 2026-03-02 02:00; 32.0 l Sun 2026-03-01 02:00; 80.0 l Mon "
        "2026-01-12 02:00 (reviewed: theft, siphoned)."
    ) in said


def test_a_candidate_of_an_unknown_tank_is_told_in_points_and_says_what_is_not_known() -> None:
    one = case(
        kind=None, volume_l=None, volume_sd_l=None, confidence=None, evidence=None, expected_consumption_l=None,
        latitude_deg=None, longitude_deg=None, is_engine_on=None, share_pct=2.25, level_before_pct=60.0, gap_s=600.0,
        probability=0.3, model_version="m-7",
    )  # fmt: skip
    assert explained(one, Around(FUEL_BALANCE.empty(), pl.DataFrame(schema=CASES))) == [
        "lorry-1: 2.2 % of the tank, whose size is not known, is missing, Tue 2026-03-03 01:00 to Tue 2026-03-03 01:20 "
        "(UTC).",
        "It is a candidate, a fall while it stood, and no fuel event.",
        "The level was 60.0 % before it.",
        "That is 20.0 times its standard deviation.",
        "Place: not known. Engine: not known, longest silence 10 min.",
        "Nothing like it in the 90 days before.",
        "Model m-7: probability of a theft 0.300.",
    ]


def test_a_sum_of_nights_is_no_business_of_the_model() -> None:
    said = explained(case(kind=None, how="nights", probability=None), AROUND)
    assert "Sums over days are told by their ratio to noise, not by the model." in said


def test_a_refuel_came_in_and_nothing_about_it_is_harmless() -> None:
    said = explained(case(kind="refuel", how=None), AROUND)
    assert said[0].startswith("lorry-1: 40.0 l came in, ")
    assert not any("harmless" in line for line in said)


def test_volumes_are_gallons_where_people_read_those() -> None:
    said = explained(case(), replace(AROUND, is_us=True))
    assert said[0].startswith("lorry-1: 10.6 gal are missing")
    assert not any(" l " in line for line in said)


def test_a_review_is_told_last() -> None:
    said = explained(case(verdict="no_theft", reason="moved_between_tanks", reviewed_at=NIGHT), AROUND)
    assert said[-1] == "Reviewed Tue 2026-03-03 02:00: no theft, moved between tanks."
