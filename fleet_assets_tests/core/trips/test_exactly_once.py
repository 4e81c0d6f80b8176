"""Trips do not depend on how the data were cut, ordered, repeated or batched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.core import points
from fleet_assets.core.window import Window
from fleet_assets_tests.core.histories import DAY, Vehicle, trips_of, vehicle

START = datetime(2024, 3, 9, tzinfo=UTC)
DAYS = 4
SECOND = timedelta(seconds=1)
QUARTER = timedelta(hours=6)

_SECONDS = st.sampled_from([10, 30, 60, 70, 120, 240, 290, 300, 310, 600, 900, 3000, 3590, 3600, 3700, 9000, 40_000])
_COLUMNS = st.sampled_from([
    ("speed_kmh",), ("gps_speed_kmh", "latitude_deg", "longitude_deg"), ("speed_kmh", "odometer_km"), ("odometer_km",),
    ("latitude_deg", "longitude_deg"), ("speed_kmh", "gps_speed_kmh", "odometer_km", "latitude_deg", "longitude_deg"),
])  # fmt: skip


@dataclass(frozen=True)
class Episode:
    """One thing a vehicle does: how long, how fast (0 stands), how often it speaks (0: not at all), and its ignition;
    before it, perhaps, silence until some seconds before the next quarter of a day, where partitions may be cut."""

    seconds: int
    kmh: float
    step_s: int
    ignition: bool | None
    before_cut_s: int | None


_EPISODES = st.builds(
    Episode,
    seconds=_SECONDS,
    kmh=st.sampled_from([0.0, 0.0, 1.0, 8.0, 20.0, 60.0]),
    step_s=st.sampled_from([0, 10, 30, 60, 130, 290]),
    ignition=st.sampled_from([None, None, True, False]),
    before_cut_s=st.sampled_from([None, None, None, 10, 100, 400, 900, 3700]),
)


def _performed(name: str, columns: tuple[str, ...], episodes: list[Episode], begin: datetime) -> Vehicle:
    driven = vehicle(*columns, at=begin, name=name)
    for episode in episodes:
        if episode.before_cut_s is not None:
            driven = driven.silent((START - driven.now - timedelta(seconds=episode.before_cut_s)) % QUARTER / SECOND)
        if episode.ignition is not None:
            driven = driven.says(is_ignition_on=episode.ignition).silent(1)
        if episode.step_s == 0:
            driven = driven.silent(episode.seconds, episode.kmh)
            continue
        seconds = min(episode.seconds, 60 * episode.step_s)  # at most 60 rows, then silence
        paced = Vehicle(name, driven.now, driven.km, driven.rows, episode.step_s, columns)
        driven = paced.drive(seconds, episode.kmh).silent(max(episode.seconds - seconds, 0), episode.kmh)
        if driven.now > START + (DAYS - 1) * DAY:
            break
    return driven


_ONE = [("a", "test")]


@st.composite
def _histories(draw: st.DrawFn) -> pl.DataFrame:
    found = []
    for name, source in draw(st.sampled_from([_ONE, _ONE, [*_ONE, ("b", "test")], [*_ONE, ("a", "can")]])):
        begin = START + timedelta(seconds=draw(st.sampled_from([0, 100, 80_000, 86_000, 86_390])))
        episodes = draw(st.lists(_EPISODES, min_size=4, max_size=25))
        said = _performed(name, draw(_COLUMNS), episodes, begin).frame()
        found.append(said.with_columns(pl.lit(source).alias("source")))
    return pl.concat(found).filter(pl.col("recorded_at") < START + (DAYS - 1) * DAY)


ALL = Window(START - DAY, START, START + DAYS * DAY)


@pytest.mark.slow
@given(_histories())
@settings(max_examples=60)
def test_day_by_day_equals_one_full_rebuild(history: pl.DataFrame) -> None:
    daily = []
    for k in range(DAYS):
        window = Window(START + (k - 1) * DAY, START + k * DAY, START + (k + 1) * DAY)
        seen = history.filter(pl.col("recorded_at").is_between(window.start, window.day_end, closed="left"))
        daily.append(trips_of(seen, window=window))
        assert daily[-1]["closed_at"].is_between(window.day_start, window.day_end, closed="left").all()
    assert_frame_equal(pl.concat(daily).sort("vehicle_id", "started_at"), trips_of(history, window=ALL))


def _same_odometer_after(seconds: float) -> pl.DataFrame:
    """Stands, is silent, and says the same odometer once more before it drives."""
    stood = vehicle("odometer_km", at=START + DAY / 2).stand(240)
    return stood.silent(seconds).drive(600).frame()


@pytest.mark.slow
@given(_histories(), st.sampled_from([6, 12, 18]))
@example(_same_odometer_after(29 * 3600), 6)
@settings(max_examples=80)
def test_where_midnight_falls_changes_no_trip(history: pl.DataFrame, hours: int) -> None:
    """The same history some hours later is cut at other places by the partitions, and has the same trips."""
    later = timedelta(hours=hours)
    here = trips_of(history, window=ALL)
    there = trips_of(
        history.with_columns(pl.col("recorded_at") + later), window=Window(ALL.start, ALL.day_start, ALL.day_end + DAY)
    ).with_columns(pl.col("started_at", "ended_at", "closed_at", "engine_started_at") - later)
    ends = ["vehicle_id", "ended_at", "closed_at", "end_reason"]
    assert_frame_equal(here.select(ends), there.select(ends))
    # A trip that the look-back may cut is there once, but its start depends on where midnight falls.
    is_whole = (here["duration_s"] < 20 * 3600) & (there["duration_s"] < 20 * 3600)
    dated = ["trip_id", "local_date"]
    assert_frame_equal(here.filter(is_whole).drop(dated), there.filter(is_whole).drop(dated), rel_tol=1e-9)


@given(_histories(), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_order_and_repetition_of_rows_change_nothing(history: pl.DataFrame, random: object) -> None:
    assert hasattr(random, "randrange")
    shuffled = pl.concat([history, history.head(history.height // 2)]).sample(
        fraction=1.0, shuffle=True, seed=random.randrange(1000)
    )
    assert_frame_equal(trips_of(shuffled, window=ALL), trips_of(history, window=ALL))


@given(_histories())
@settings(max_examples=20)
def test_trips_of_vehicles_are_those_of_each_vehicle_alone(history: pl.DataFrame) -> None:
    alone = [trips_of(part, window=ALL) for part in history.partition_by("vehicle_id")]
    together = trips_of(history, window=ALL)
    assert_frame_equal(pl.concat([together.clear(), *alone]).sort("vehicle_id", "started_at"), together)


_SWITCHED_OFF = pl.concat([
    vehicle("speed_kmh", at=START, name="a", step_s=10.0).drive(10, 8.0).frame(),
    vehicle("is_ignition_on", at=START + timedelta(minutes=5), name="a").says(is_ignition_on=False).frame(),
    vehicle("speed_kmh", at=START + timedelta(seconds=311), name="a", step_s=10.0).drive(10, 8.0).frame(),
], how="diagonal")  # fmt: skip
"""A slow tracker whose ignition ends the trip sooner than half of a step."""


@given(_histories())
@example(_SWITCHED_OFF)
@settings(max_examples=30)
def test_trips_of_a_vehicle_do_not_overlap_and_close_no_sooner_than_they_end(history: pl.DataFrame) -> None:
    trips = trips_of(history, window=ALL)
    before = pl.col("ended_at").shift(1).over("vehicle_id")
    assert trips.filter(pl.col("started_at") < before).is_empty()
    assert trips.filter(pl.col("closed_at") < pl.col("ended_at")).is_empty()
    assert trips["trip_id"].is_unique().all()


def test_batches_of_one_vehicle_give_the_same_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    drives = [vehicle(name=f"v{k}", at=START + timedelta(hours=k)).drive(600).frame() for k in range(5)]
    history = pl.concat(drives)
    together = trips_of(history, window=ALL)
    monkeypatch.setattr(points, "CELLS_PER_BATCH", 1)
    assert_frame_equal(trips_of(history, window=ALL), together)
    assert together.height == 5
