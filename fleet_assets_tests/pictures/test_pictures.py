"""Pictures are PNG files of the size asked for, of what the rows say and of nothing else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleet_assets.contracts import FUEL_EVENTS, FUEL_PLATEAUS, POWER_SESSIONS, TELEMETRY, TRIPS, Table
from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.theft import THEFT_SCORES
from fleet_assets.pictures import charging, fuel, trips
from fleet_assets.pictures.canvas import LARGE, SMALL, Size, png, thinned
from fleet_assets.pictures.charging import sessions_picture
from fleet_assets.pictures.fuel import fuel_picture
from fleet_assets.pictures.partition import page_of
from fleet_assets.pictures.trips import trips_picture

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ZONE = "Europe/Madrid"


def rows_of(table: Table, *rows: dict[str, object]) -> pl.DataFrame:
    """Rows with what is given and nothing else."""
    return pl.DataFrame(list(rows), schema={name: table.schema[name] for name in rows[0]}).select(
        pl.col(name) if name in rows[0] else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in table.schema.items()
    )


def trip(hours: float, km: float, **more: object) -> dict[str, object]:
    at = NOON + timedelta(hours=hours)
    return {
        "vehicle_id": "van-1", "started_at": at, "ended_at": at + timedelta(minutes=30), "distance_km": km,
        "avg_speed_kmh": 2 * km, "start_reason": "motion", "moving_s": 1_500.0, "fuel_used_l": km / 10,
        "energy_used_kwh": None, **more,
    }  # fmt: skip


def plateau(hours: float, level: float | None, litres: float | None = None) -> dict[str, object]:
    at = NOON + timedelta(hours=hours)
    return {
        "vehicle_id": "van-1", "started_at": at, "ended_at": at + timedelta(hours=1), "level_pct": level,
        "level_l": litres,
    }  # fmt: skip


def event(kind: str, hours: float, litres: float | None) -> dict[str, object]:
    at = NOON + timedelta(hours=hours)
    return {
        "vehicle_id": "van-1", "kind": kind, "started_at": at, "ended_at": at + timedelta(minutes=10),
        "volume_l": litres, "level_before_pct": 20.0, "level_after_pct": 70.0,
    }  # fmt: skip


def session(hours: float, energy: float | None, curve: str | None = None) -> dict[str, object]:
    at = NOON + timedelta(hours=hours)
    return {
        "vehicle_id": "van-1", "started_at": at, "ended_at": at + timedelta(hours=2), "energy_added_kwh": energy,
        "start_soc_pct": 20.0, "end_soc_pct": 60.0, "charge_type": "L2", "curve": curve,
    }  # fmt: skip


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height as the file states them."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


TRIP_ROWS = rows_of(TRIPS, trip(0, 20.0), trip(3, 35.0, start_reason="unobserved", avg_speed_kmh=None))
PLATEAUS = rows_of(FUEL_PLATEAUS, plateau(0, 20.0), plateau(2, 70.0))
EVENTS = rows_of(FUEL_EVENTS, event("refuel", 1.5, 200.0), event("theft", 5, None))
SESSIONS = rows_of(POWER_SESSIONS, session(0, 22.0), session(5, None))


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(
    "draw",
    [
        lambda size: trips_picture("van-1", ZONE, TRIP_ROWS, size=size),
        lambda size: fuel_picture("van-1", ZONE, PLATEAUS, EVENTS, size=size),
        lambda size: sessions_picture("van-1", ZONE, SESSIONS, size=size),
    ],
)
def test_a_picture_has_its_size_and_equal_rows_give_equal_bytes(draw: Callable[[Size], bytes], size: Size) -> None:
    picture = draw(size)
    assert size_of(picture) == (round(size.width * size.dpi), round(size.height * size.dpi))
    assert draw(size) == picture


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The axes of the pictures that are drawn, in order."""
    found: list[Axes] = []

    def kept(figure: Figure) -> bytes:
        found.extend(figure.axes)
        return png(figure)

    for module in (charging, fuel, trips):
        monkeypatch.setattr(module, "png", kept)
    return found


def test_what_happened_to_the_fuel_is_in_its_picture(drawn: list[Axes]) -> None:
    fuel_picture("van-1", ZONE, PLATEAUS, EVENTS.clear())
    fuel_picture("van-1", ZONE, PLATEAUS, EVENTS)
    assert [len(axes.patches) for axes in drawn] == [0, 2]
    assert [text.get_text() for text in drawn[1].texts] == ["200 l", "50 %"]
    assert drawn[1].get_title(loc="left") == "van-1: fuel level, 1 refuel, 1 theft"


def test_a_sender_of_litres_is_drawn_in_litres(drawn: list[Axes]) -> None:
    litres = rows_of(FUEL_PLATEAUS, plateau(0, None, 20.0), plateau(2, None, 70.0))
    fuel_picture("van-1", ZONE, litres, EVENTS)
    fuel_picture("van-1", ZONE, PLATEAUS, EVENTS)
    assert [axes.get_ylabel() for axes in drawn] == ["level, l", "level, %"]


def test_what_is_not_known_is_no_zero(drawn: list[Axes]) -> None:
    sessions_picture("van-1", ZONE, rows_of(POWER_SESSIONS, session(0, None)))
    assert drawn[0].get_title(loc="left") == "van-1: 1 charging session"
    assert [text.get_text() for text in drawn[0].texts] == ["? kWh"]


def test_thinning_keeps_the_peaks_and_the_order_of_time() -> None:
    at = [NOON + timedelta(seconds=number) for number in range(10_000)]
    rows = pl.DataFrame({"recorded_at": at, "speed_kmh": [50.0] * 10_000}).with_row_index("row")
    peaked = rows.with_columns(
        pl.when(pl.col("row") == 4_321).then(120.0).when(pl.col("row") == 77).then(3.0).otherwise("speed_kmh")
        .alias("speed_kmh")
    )  # fmt: skip
    drawn = thinned(peaked, "recorded_at", "speed_kmh", most=100)
    assert (drawn["speed_kmh"].max(), drawn["speed_kmh"].min()) == (120.0, 3.0)
    assert drawn["recorded_at"].is_sorted()
    assert drawn.height <= 202


def none_of(table: Table, vehicle: str, since: datetime, until: datetime) -> pl.DataFrame:
    del vehicle, since, until
    return table.empty()


def test_the_page_of_a_day_of_trips_says_what_a_person_asks() -> None:
    page = page_of(TRIPS, TRIP_ROWS, none_of, ZONE)
    numbers = {name: value for name, value in page.numbers.items() if isinstance(value, float | int)}
    assert numbers == {
        "vehicles": 1, "distance km": 55.0, "longest km": 35.0, "driving h": 0.8, "fuel l": 5.5,
    }  # fmt: skip
    assert str(page.numbers["longest"]).endswith(" UTC, 35.0 km")
    assert page.picture is not None
    assert page_of(TRIPS, TRIP_ROWS, none_of, ZONE, is_drawn=False).picture is None


def test_the_page_of_a_day_of_fuel_events_counts_kinds_and_draws_the_largest() -> None:
    asked: list[tuple[str, str]] = []

    def plateaus(table: Table, vehicle: str, since: datetime, until: datetime) -> pl.DataFrame:
        asked.append((table.name, vehicle))
        assert since < NOON < until
        return PLATEAUS

    page = page_of(FUEL_EVENTS, EVENTS, plateaus, ZONE)
    assert page.numbers == {"refuel": 1, "theft": 1, "refuel l": 200.0}  # of the theft no litres are known
    assert asked == [("fuel_plateaus", "van-1")]
    assert page.picture is not None


def score(name: str, probability: float) -> dict[str, object]:
    return {
        "event_id": name, "vehicle_id": "van-1", "started_at": NOON + timedelta(hours=1), "probability": probability,
        "ended_at": NOON + timedelta(hours=1, minutes=20),
    }  # fmt: skip


def tank(table: Table, vehicle: str, since: datetime, until: datetime) -> pl.DataFrame:
    """Plateaus and fuel events of the van around noon."""
    assert vehicle == "van-1"
    assert since < NOON < until
    return PLATEAUS if table is FUEL_PLATEAUS else EVENTS.filter(kind="refuel")


def test_the_page_of_a_day_of_scores_draws_the_most_probable_one(drawn: list[Axes]) -> None:
    page = page_of(THEFT_SCORES, rows_of(THEFT_SCORES, score("a", 0.25), score("b", 0.75)), tank, ZONE)
    assert page.numbers == {"candidates": 2, "expected thefts": 1.0, "highest %": 75.0}
    assert page.picture is not None
    assert drawn[0].get_title(loc="left") == "van-1: fuel level, 1 candidate, 1 refuel"
    assert page_of(THEFT_SCORES, rows_of(THEFT_SCORES, score("a", 0.25)), none_of, ZONE).picture is None


def test_the_page_of_a_day_of_alarms_counts_kinds_and_draws_the_first_of_a_tank(drawn: list[Axes]) -> None:
    alarm: dict[str, object] = {
        "alarm_id": "x", "vehicle_id": "van-1", "kind": "theft", "closed_at": NOON + timedelta(hours=9),
        "started_at": NOON + timedelta(hours=1), "recorded_at": NOON + timedelta(hours=2), "event_id": "a",
    }  # fmt: skip
    other = alarm | {"alarm_id": "w", "kind": "sos", "closed_at": NOON}
    page = page_of(ALARMS, rows_of(ALARMS, alarm, other), tank, ZONE)
    assert page.numbers == {"vehicles": 1, "sos": 1, "theft": 1}
    assert len(drawn) == 1
    assert page_of(ALARMS, rows_of(ALARMS, other), tank, ZONE).picture is None


def test_a_day_without_events_has_an_empty_page() -> None:
    assert page_of(FUEL_EVENTS, FUEL_EVENTS.empty(), none_of, ZONE).numbers == {}


def test_the_most_doubtful_trip_is_named_where_one_was_not_seen_whole() -> None:
    seen = TRIP_ROWS.with_columns(coverage_pct=pl.lit(100.0), distance_error_km=pl.lit(0.01))
    assert "most doubtful" not in page_of(TRIPS, seen, none_of, ZONE, is_drawn=False).numbers
    is_longest = pl.col("distance_km") == pl.col("distance_km").max()
    doubtful = seen.with_columns(coverage_pct=pl.when(is_longest).then(63.0).otherwise(100.0))
    said = str(page_of(TRIPS, doubtful, none_of, ZONE, is_drawn=False).numbers["most doubtful"])
    assert said.endswith("35.0 km ± 0.0 km, 63 % of its time observed")


def test_the_page_of_a_day_of_telemetry_says_what_was_told_and_draws_the_speed() -> None:
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    told = pl.DataFrame({
        "vehicle_id": ["a", "a", "b"], "recorded_at": [start, start + timedelta(minutes=1), start],
        "speed_kmh": [10.0, 20.0, None], "soc_pct": [None, 50.0, 51.0],
    })  # fmt: skip
    rows = pl.concat([TELEMETRY.empty(), told], how="diagonal")
    page = page_of(TELEMETRY, rows, none_of, ZONE)
    assert page.numbers == {
        "vehicles": 2, "rows with speed": 2, "rows with position": 0, "rows with fuel level": 0,
        "rows with state of charge": 2,
    }  # fmt: skip
    assert page.picture is not None
    silent = rows.with_columns(speed_kmh=pl.lit(None, pl.Float64))
    assert page_of(TELEMETRY, silent, none_of, ZONE).picture is None
