"""Candidates: which falls are judged, of which kind, with which id."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from fleet_assets.contracts.theft import FEATURES, THEFT_CANDIDATES
from fleet_assets.core.theft import TheftRules
from fleet_assets.core.theft.rules import CandidateRules
from fleet_assets_tests.core.fuel.tanks import Tank, events_of, fleet, told
from fleet_assets_tests.core.theft.cases import candidates_of


def test_driving_parking_and_refuels_are_no_candidates() -> None:
    tank = Tank().works(4).drive(60).stand(20).fill(100, 4).stand(20).drive(60)
    assert candidates_of(tank.frame()).equals(THEFT_CANDIDATES.empty())


def test_a_theft_among_fuel_events_is_a_candidate_of_its_id() -> None:
    telemetry = Tank().works(3).drive(60).stand(240).fill(-40, 10).stand(240).drive(60).stand(60).frame()
    event, found = events_of(telemetry), candidates_of(telemetry)
    assert (event["kind"].to_list(), found["kind"].to_list()) == (["theft"], ["fall"])
    columns = ["event_id", "vehicle_id", "started_at", "ended_at", "closed_at", "local_date", "volume_l"]
    assert found.select(columns).equals(event.select(columns))


def test_a_slow_loss_among_fuel_events_is_a_candidate_of_its_id() -> None:
    telemetry = Tank(slosh_pct=0.5).works(3).drive(60).stand(120).fill(-40, 300).stand(60).drive(60).stand(60).frame()
    event, found = events_of(telemetry), candidates_of(telemetry)
    assert (event["kind"].to_list(), found["kind"].to_list()) == (["slow_loss"], ["slow"])
    assert found["event_id"].equals(event["event_id"])


def test_a_fall_too_small_for_an_event_is_a_candidate() -> None:
    car = Tank(capacity_l=100, litres=90, per_km=0.06, slosh_pct=0.4, step_pct=0.1).works(3).drive(60).stand(60)
    telemetry, known = car.fill(-6, 5).stand(60).drive(60).frame(), fleet(tank_capacity_l=100.0)
    assert told(events_of(telemetry, known)) == []
    found = candidates_of(telemetry, known)
    assert found["kind"].to_list() == ["fall"]
    assert found["volume_l"][0] == pytest.approx(6, abs=1.5)


def test_a_fall_that_was_given_back_is_a_candidate_that_says_so() -> None:
    tank = Tank().works(2).drive(60).stand(60)
    low = replace(tank, shift=-15.0).stand(30)
    found = candidates_of(replace(low, shift=0.0).stand(120).drive(60).frame())
    assert found["kind"].to_list() == ["returned"]
    assert found["share_pct"][0] == pytest.approx(15, abs=2)
    assert found["remaining_share"][0] == pytest.approx(0, abs=0.2)


def test_a_fall_in_a_silence_in_which_it_drove_was_not_observed() -> None:
    tank = Tank().works(2).drive(60).stand(10).silent(120, kmh=20, litres=-80).stand(10).drive(60)
    assert candidates_of(tank.frame())["kind"].to_list() == ["unobserved"]


def test_a_tank_of_unknown_size_has_candidates_in_points() -> None:
    telemetry = Tank().works(2).drive(60).stand(240).fill(-40, 10).stand(240).drive(60).frame()
    found = candidates_of(telemetry, fleet(tank_capacity_l=None))
    assert (found["kind"].to_list(), found["volume_l"].to_list()) == (["fall"], [None])
    assert found["share_pct"][0] == pytest.approx(10, abs=1)


def test_a_loss_of_a_week_is_a_candidate_of_the_id_of_its_event() -> None:
    tank = Tank(litres=380, slosh_pct=0.5, step_pct=0.1, per_km=0.1, step_s=60).works(14)
    for _ in range(7):
        tank = tank.drive(60).stand(300).fill(-3, 5).stand(24 * 60 - 365)
    telemetry = tank.drive(60).stand(60).frame()
    found = candidates_of(telemetry).filter(pl.col("kind") == "weekly")
    weeks = events_of(telemetry).filter(pl.col("evidence").str.contains("stays of a week"))
    assert found.height >= weeks.height >= 1
    assert set(weeks["event_id"]) <= set(found["event_id"])
    assert found.row(0, named=True)["compared"] == 0


def test_the_version_names_thresholds_of_candidates_and_of_events() -> None:
    rules = TheftRules()
    lower = replace(rules, candidates=CandidateRules(sigma=2.5))
    assert len({rules.version, lower.version, replace(rules, events=lower.candidates).version}) == 3


def test_every_feature_has_a_meaning_and_is_a_column() -> None:
    names = [column.name for column in FEATURES]
    assert [name for name in THEFT_CANDIDATES.schema if name in names] == names
    assert min(len(column.doc) for column in FEATURES) > len("a word")


def test_a_candidate_is_final_when_its_event_would_be() -> None:
    found = candidates_of(Tank().works(2).drive(60).stand(30).fill(-40, 4).stand(120).frame())
    assert found["closed_at"][0] == found["ended_at"][0] + timedelta(days=1)
