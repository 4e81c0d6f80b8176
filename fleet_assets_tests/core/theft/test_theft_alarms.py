"""Alarms of the theft model: above the threshold, once a day, in whatever order and pieces the scores come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import FUEL_BALANCE, VEHICLES, check_frame
from fleet_assets.contracts.alarms import ALARM_LOOK_BACK, ALARMS
from fleet_assets.contracts.theft import THEFT_CANDIDATES, THEFT_SCORES
from fleet_assets.core.theft.alarms import theft_alarms
from fleet_assets.core.window import Window

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
QUIET = 24 * HOUR


def score(name: str, hours: float, probability: float = 0.9, **others: object) -> dict[str, object]:
    """A candidate that became final so many hours after Monday, an hour after it ended."""
    closed_at = MONDAY + hours * HOUR
    return {
        "event_id": name, "vehicle_id": "v", "kind": "fall", "started_at": closed_at - 2 * HOUR,
        "ended_at": closed_at - HOUR, "scored_at": closed_at, "local_date": closed_at.date(),
        "probability": probability, "model_version": "m", "contributions": "{}", "rules_version": "r", **others,
    }  # fmt: skip


def scores(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=THEFT_SCORES.schema)


def window(days: int, first: datetime = MONDAY) -> Window:
    return Window(first - ALARM_LOOK_BACK, first, first + days * DAY)


def alarms(
    rows: pl.DataFrame, asked: Window | None = None, threshold: float | None = 0.5,
    candidates: pl.DataFrame | None = None, balance: pl.DataFrame | None = None, vehicles: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    found = theft_alarms(
        rows.lazy(), (THEFT_CANDIDATES.empty() if candidates is None else candidates).lazy(),
        (FUEL_BALANCE.empty() if balance is None else balance).lazy(),
        (VEHICLES.empty() if vehicles is None else vehicles).lazy(), asked or window(10), threshold, "UTC",
    ).collect()  # fmt: skip
    check_frame(ALARMS, found)
    return found


def told(found: pl.DataFrame) -> list[str]:
    return found.sort("closed_at", "event_id")["event_id"].to_list()


def test_an_alarm_tells_litres_place_probability_and_threshold() -> None:
    one = score("e", 25)
    candidate = pl.DataFrame(
        [{"event_id": "e", "volume_l": 43.4, "share_pct": 10.85, "zone_id": "depot"}],
        schema_overrides={"volume_l": pl.Float64},
    )
    candidates = pl.concat([THEFT_CANDIDATES.empty(), candidate], how="diagonal_relaxed")
    place = {"vehicle_id": "v", "ended_at": one["ended_at"], "latitude_deg": 50.1, "longitude_deg": 8.6}
    balance = pl.concat(
        [FUEL_BALANCE.empty(), pl.DataFrame([place], schema_overrides={"ended_at": FUEL_BALANCE.schema["ended_at"]})],
        how="diagonal_relaxed",
    )
    vehicles = pl.DataFrame([{"vehicle_id": "v", "timezone": "America/Los_Angeles"}], schema=VEHICLES.schema)
    row = alarms(scores(one), candidates=candidates, balance=balance, vehicles=vehicles).row(0, named=True)
    assert row["name"] == "Fuel theft, 43 l (probability 0.9)"
    assert (row["source"], row["kind"], row["code"], row["event_id"]) == ("theft_model", "theft", "fall", "e")
    assert (row["latitude_deg"], row["longitude_deg"], row["zone_id"], row["speed_kmh"]) == (50.1, 8.6, "depot", None)
    assert (row["value"], row["threshold"]) == (0.9, 0.5)
    assert (row["recorded_at"], row["closed_at"]) == (MONDAY + DAY, MONDAY + 25 * HOUR)
    assert row["local_date"] == MONDAY.date()  # still Monday at home


def test_a_loss_over_a_week_has_no_place_and_no_litres_where_the_tank_is_not_known() -> None:
    found = alarms(scores(score("e", 10, kind="slow")))
    assert found.select("kind", "code", "name", "latitude_deg").row(0) == (
        "slow_loss", "slow", "Slow loss of fuel (probability 0.9)", None,
    )  # fmt: skip


def test_the_threshold_itself_raises_and_less_does_not() -> None:
    found = alarms(scores(score("at", 1, 0.5), score("less", 30, 0.499), score("more", 60, 0.51)))
    assert told(found) == ["at", "more"]


def test_without_a_promoted_model_there_is_no_alarm() -> None:
    assert alarms(scores(score("e", 1, 1.0)), threshold=None).is_empty()


def test_without_scores_there_is_no_alarm() -> None:
    assert alarms(THEFT_SCORES.empty()).equals(ALARMS.empty())


def test_a_second_alarm_of_a_vehicle_and_kind_waits_for_a_day_and_what_was_not_raised_starts_no_wait() -> None:
    found = alarms(scores(score("first", 10), score("swallowed", 33.9), score("next", 34), score("late", 57.9)))
    assert told(found) == ["first", "next"]


def test_other_vehicles_and_kinds_have_alarms_of_their_own() -> None:
    found = alarms(scores(score("a", 10), score("b", 11, vehicle_id="w"), score("c", 12, kind="slow")))
    assert told(found) == ["a", "b", "c"]
    assert found["alarm_id"].n_unique() == 3


def test_an_alarm_of_the_day_before_is_looked_back_at() -> None:
    rows = scores(score("sunday", -1), score("monday", 22.9), score("tuesday", 23))
    assert told(alarms(rows, window(1))) == ["tuesday"]


def test_one_instant_raises_the_one_that_began_first() -> None:
    rows = scores(score("b", 10), score("a", 10, started_at=MONDAY))
    assert told(alarms(rows)) == ["a"]


_STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 5.0, 12.0, 23.999, 24.0, 25.0, 60.0]), st.sampled_from([0.2, 0.5, 0.9]),
              st.sampled_from("vw"), st.sampled_from(["fall", "slow"])), max_size=25,
)  # fmt: skip


def _history(steps: list[tuple[float, float, str, str]], days: int = 20) -> pl.DataFrame:
    hours, rows = 0.0, []
    for number, (step, probability, vehicle, kind) in enumerate(steps):
        hours = min(hours + step, days * 24 - 1)
        rows.append(score(f"e{number:02}", hours, probability, vehicle_id=vehicle, kind=kind))
    return scores(*rows)


@given(_STEPS)
def test_days_built_with_what_was_there_by_then_are_one_build_of_all(
    steps: list[tuple[float, float, str, str]],
) -> None:
    rows, parts = _history(steps), [ALARMS.empty()]
    for number in range(20):
        asked = window(1, MONDAY + number * DAY)
        seen = rows.filter(pl.col("scored_at") >= asked.start, pl.col("scored_at") < asked.day_end)
        parts.append(alarms(seen, asked))
        assert parts[-1]["closed_at"].is_between(asked.day_start, asked.day_end, closed="left").all()
    assert_frame_equal(pl.concat(parts).sort(ALARMS.order), alarms(rows, window(20)))


@given(_STEPS, st.integers(0, 1_000))
def test_order_and_repetition_of_scores_change_no_alarm(steps: list[tuple[float, float, str, str]], seed: int) -> None:
    rows = _history(steps)
    mixed = pl.concat([rows, rows.head(9)]).sample(fraction=1.0, shuffle=True, seed=seed)
    assert_frame_equal(alarms(mixed, window(20)), alarms(rows, window(20)))


@given(_STEPS)
def test_alarms_are_a_day_apart_and_nothing_above_the_threshold_is_a_day_from_its_alarm(
    steps: list[tuple[float, float, str, str]],
) -> None:
    rows = _history(steps, days=ALARM_LOOK_BACK.days)
    found = alarms(rows, window(20)).sort("vehicle_id", "kind", "closed_at")
    apart = found.select(pl.col("closed_at").diff().over("vehicle_id", "kind")).to_series().drop_nulls()
    assert (apart >= QUIET).all()
    slow = pl.when(pl.col("kind") == "slow").then(pl.lit("slow_loss")).otherwise(pl.lit("theft"))
    above = rows.filter(pl.col("probability") >= 0.5).with_columns(slow.alias("kind")).sort("scored_at")
    met = above.join_asof(
        found.sort("closed_at").select("vehicle_id", "kind", "closed_at"), left_on="scored_at", right_on="closed_at",
        by=["vehicle_id", "kind"], check_sortedness=False,
    )  # fmt: skip
    assert (met["scored_at"] - met["closed_at"] < QUIET).all()
    assert met["closed_at"].null_count() == 0


@pytest.mark.parametrize("days", [13, 40])
def test_a_series_longer_than_the_look_back_is_the_same_day_by_day_and_at_once(days: int) -> None:
    rows = scores(*(score(f"e{number:03}", 5.0 * number) for number in range(days * 24 // 5)))
    parts = [alarms(rows, window(1, MONDAY + number * DAY)) for number in range(days)]
    whole = alarms(rows, window(days))
    assert_frame_equal(pl.concat(parts).sort(ALARMS.order), whole)
    # Every 25 h; from the edge of the look-back on it is counted anew, which tells a few more.
    assert days * 24 // 25 <= whole.height <= 1.3 * days
