"""The mart of thefts, on both databases: reviews as `labelled` has them, worth as costs have it, one sentence a row."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import ENERGY_PRICES, FUEL_EVENTS, THEFT_CANDIDATES, THEFT_REVIEWS, VEHICLES, Table
from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.theft import THEFT_SCORES
from fleet_assets.core.ids import event_ids
from fleet_assets.core.prices import with_cost
from fleet_assets.core.theft.labels import labelled
from fleet_assets_tests.dbt.targets import DuckTarget, PostgresTarget, Target, run_dbt
from fleet_assets_tests.fixtures.drives import at

MINUTE = timedelta(minutes=1)
BEGAN = at("2026-03-02 00:00")
ZONES = (None, "yard", "night")
VEHICLE_ROWS = [
    {"vehicle_id": "v", "fuel": "diesel", "timezone": "Europe/Berlin"},
    {"vehicle_id": "w", "fuel": "petrol", "timezone": "America/New_York"}, {"vehicle_id": "unpriced", "fuel": "lpg"},
]  # fmt: skip
PRICES = [
    {"kind": "diesel", "price": 1.5, "currency": "EUR", "valid_from": at("2026-01-01 00:00")},
    {"kind": "diesel", "price": 1.25, "currency": "EUR", "valid_from": at("2026-01-01 00:00"), "zone": "yard"},
    {"kind": "diesel", "price": 1.0, "currency": "EUR", "valid_from": at("2026-01-01 00:00"), "zone": "night",
     "daily_from": "22:00", "daily_to": "06:00"},
    {"kind": "petrol", "price": 1.75, "valid_from": at("2026-01-01 00:00"), "valid_to": at("2026-03-05 12:00")},
]  # fmt: skip


def frame(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in table.schema} for row in rows], schema=table.schema)


def random_falls(random: Random) -> list[dict[str, Any]]:
    """Candidates, some minutes from each other, some hours."""
    rows, start = [], BEGAN
    for _ in range(60):
        start += random.choice((3, 8, 14, 15, 16, 300)) * MINUTE
        vehicle = random.choice(("v", "v", "w", "unpriced"))
        (name,) = event_ids(pl.Series([f"{vehicle}/theft"]), pl.Series([start], dtype=pl.Datetime("us", "UTC")))
        rows.append({
            "event_id": name, "vehicle_id": vehicle, "kind": random.choice(("fall", "slow", "weekly", "unobserved")),
            "started_at": start, "ended_at": start + random.choice((1, 20, 600)) * MINUTE,
            "closed_at": start + 700 * MINUTE, "local_date": start.date(),
            "volume_l": random.choice((None, 7.25, 40.0)), "share_pct": 2.25, "size_over_noise": 5.05,
            "zone_id": random.choice(ZONES), "rules_version": "test",
        })  # fmt: skip
    return rows


def random_reviews(random: Random, falls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reviews near falls, of falls by their id, without an end, several of one."""
    rows = []
    for number in range(50):
        fall = random.choice(falls)
        start = fall["started_at"] + random.choice((-20, -15, -3, 0, 3, 15, 20)) * MINUTE
        end = random.choice((None, fall["ended_at"], fall["ended_at"] + 14 * MINUTE, start + 700 * MINUTE))
        rows.append({
            "review_id": f"r{number:02}", "vehicle_id": fall["vehicle_id"], "event_started_at": start,
            "event_ended_at": None if end is None else max(start, end),
            "event_id": random.choice((None, fall["event_id"], "gone")),
            "verdict": "no_theft", "reason": random.choice(("sensor", "calibration")),
            "reviewed_at": BEGAN + random.randrange(30) * timedelta(days=1),
        })  # fmt: skip
    return rows


def fuel_event(fall: dict[str, Any], number: int) -> dict[str, Any]:
    named = {**fall, "kind": "slow_loss" if fall["kind"] in ("slow", "weekly") else "theft"}
    return named | {
        "level_before_pct": 60.0, "level_after_pct": 50.0 + number % 7 / 4, "expected_consumption_l": number % 5 / 4,
        "is_engine_on": (None, True, False)[number % 3], "latitude_deg": 50.1, "longitude_deg": 8.6, "cost": 12.5,
        "currency": "EUR", "is_truncated": False,
    }  # fmt: skip


ROWS: dict[Table, pl.DataFrame] = {}


def rows_of(table: Table) -> pl.DataFrame:
    """One random fleet for all tests of this module."""
    if not ROWS:
        random = Random(5)
        falls = random_falls(random)
        scores = [{**fall, "scored_at": fall["closed_at"], "probability": random.choice((0.1, 0.5, 0.55, 0.945)),
                   "model_version": "m"} for fall in falls if random.random() < 0.9]  # fmt: skip
        alarm = scores[0] | {
            "alarm_id": "a", "source": "theft_model", "kind": "theft", "threshold": 0.5, "latitude_deg": 1.5,
            "recorded_at": scores[0]["ended_at"], "closed_at": scores[0]["scored_at"],
        }  # fmt: skip
        ROWS.update({
            THEFT_CANDIDATES: frame(THEFT_CANDIDATES, falls), THEFT_SCORES: frame(THEFT_SCORES, scores),
            FUEL_EVENTS: frame(FUEL_EVENTS, [fuel_event(fall, n) for n, fall in enumerate(falls) if n % 3]),
            ALARMS: frame(ALARMS, [alarm]), THEFT_REVIEWS: frame(THEFT_REVIEWS, random_reviews(random, falls)),
            VEHICLES: frame(VEHICLES, VEHICLE_ROWS), ENERGY_PRICES: frame(ENERGY_PRICES, PRICES),
        })  # fmt: skip
    return ROWS[table]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def marts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder: Path = tmp_path_factory.mktemp("thefts")
    lake = Lake(str(folder / "lake"))
    rows_of(ALARMS)
    for table, rows in ROWS.items():
        if table.partition_by is None:
            lake.write(table, None, rows, "test")
            continue
        for (day,), part in rows.group_by(pl.col(table.partition_by).dt.date()):
            assert isinstance(day, date)
            lake.write(table, day, part, "test")
    target: Target = DuckTarget(folder / "duck")
    if request.param == "postgres":
        target = PostgresTarget(folder / "postgres", request.getfixturevalue("postgres_urls")())
    target.load(lake)
    run_dbt(target, "build", "--full-refresh", "--select", "+theft_alarms", "--indirect-selection", "buildable")
    return target


def found(marts: Target, *columns: str) -> pl.DataFrame:
    return marts.rows(f"select {', '.join(columns)} from theft_alarms order by event_id")


def test_thefts_are_there_and_of_other_falls_those_above_the_threshold(marts: Target) -> None:
    thefts = rows_of(FUEL_EVENTS).filter(kind="theft")["event_id"]
    above = rows_of(THEFT_SCORES).filter(pl.col("probability") >= 0.5)["event_id"]
    rows = found(marts, "event_id", "is_fuel_event", "is_above_threshold", "alarm_id")
    assert rows["event_id"].to_list() == sorted({*thefts, *above})
    assert set(rows.filter("is_fuel_event")["event_id"]) == {*rows["event_id"]} & {*rows_of(FUEL_EVENTS)["event_id"]}
    assert set(rows.filter("is_above_threshold")["event_id"]) == {*above}
    assert rows["alarm_id"].count() == 1


def test_labels_are_those_that_the_model_learns_from(marts: Target) -> None:
    labels = labelled(rows_of(THEFT_CANDIDATES), rows_of(THEFT_REVIEWS)).frame
    expected = labels.select("event_id", "reason", "reviewed_at").sort("event_id")
    told = found(marts, "event_id", "reason", "reviewed_at")
    both = told.join(expected, on="event_id", how="left", suffix="_expected")
    assert both["reason"].to_list() == both["reason_expected"].to_list()
    assert both["reviewed_at"].to_list() == both["reviewed_at_expected"].to_list()
    assert 5 < both["reason"].count() < both.height


def test_what_is_no_event_is_worth_what_costs_of_events_would_say(marts: Target) -> None:
    fuels = rows_of(VEHICLES).select("vehicle_id", pl.col("fuel").alias("fuel_kind"))
    falls = rows_of(THEFT_CANDIDATES).join(fuels, on="vehicle_id")
    bought = falls.select("event_id", "vehicle_id", "zone_id", pl.col("fuel_kind").alias("kind"),
                          pl.col("started_at").alias("at"), pl.col("started_at").alias("until"),
                          pl.col("volume_l").alias("amount"))  # fmt: skip
    priced = with_cost(bought, rows_of(ENERGY_PRICES), rows_of(VEHICLES), "UTC").select("event_id", "cost", "currency")
    rows = found(marts, "event_id", "is_fuel_event", "cost", "currency", "probability", "expected_cost")
    both = rows.filter(~pl.col("is_fuel_event")).join(priced, on="event_id", suffix="_expected")
    assert both["cost"].to_list() == pytest.approx(both["cost_expected"].to_list())
    assert both["currency"].to_list() == both["currency_expected"].to_list()
    assert 0 < both["cost"].count() < both.height
    assert rows["expected_cost"].to_list() == (rows["cost"] * rows["probability"]).to_list()
    assert set(rows.filter("is_fuel_event")["cost"]) == {12.5}


def test_every_row_is_explained_in_one_sentence(marts: Target) -> None:
    (first,) = rows_of(ALARMS)["event_id"]
    assert all(text.endswith(".") for text in found(marts, "explanation")["explanation"])
    told = marts.rows(f"select * from theft_alarms where event_id = '{first}'").row(0, named=True)
    assert told["latitude_deg"] == (50.1 if told["is_fuel_event"] else 1.5)
    start: datetime = told["started_at"]
    zone = {row["vehicle_id"]: row.get("timezone") or "UTC" for row in VEHICLE_ROWS}[told["vehicle_id"]]
    local = pl.Series([start]).dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M")[0]
    assert f"gone, {local} to " in told["explanation"]
    assert f"({zone})" in told["explanation"]
    assert "; 5.1 times its standard deviation; probability 0." in told["explanation"]


def test_both_databases_say_the_same(marts: Target, request: pytest.FixtureRequest) -> None:
    told: dict[str, pl.DataFrame] = request.config.stash.setdefault(_TOLD, {})
    told[type(marts).__name__] = found(marts, "*").with_columns(pl.col(pl.Datetime).dt.convert_time_zone("UTC"))
    if len(told) == 2:
        assert told["DuckTarget"].rows() == told["PostgresTarget"].rows()


_TOLD: pytest.StashKey[dict[str, pl.DataFrame]] = pytest.StashKey()


@pytest.mark.parametrize(
    "change",
    [
        "delete from theft_alarms where is_fuel_event and kind = 'theft'",
        "update theft_alarms set volume_l = volume_l + 1 where is_fuel_event and kind = 'theft'",
        "update theft_alarms set cost = null where is_fuel_event and kind = 'theft'",
        "update theft_alarms set is_fuel_event = true, kind = 'theft' where not is_fuel_event",
    ],
)
def test_a_theft_that_is_told_otherwise_is_found(marts: Target, change: str) -> None:
    check = "theft_alarms_are_the_thefts_of_fuel_events"
    assert marts.found_after("select 1", check) == 0
    assert marts.found_after(change, check) > 0
