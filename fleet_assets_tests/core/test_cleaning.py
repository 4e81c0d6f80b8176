"""What cleaning nulls, how it counts, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import TELEMETRY
from fleet_assets.core.cleaning import clean_telemetry
from fleet_assets_tests.core.histories import NOON, telemetry


def _row(seconds: float, **values: object) -> dict[str, object]:
    return {"vehicle_id": "a", "recorded_at": NOON + timedelta(seconds=seconds), **values}


def _cleaned(*rows: dict[str, object]) -> tuple[pl.DataFrame, list[tuple[str, str, int]]]:
    cleaned = clean_telemetry(telemetry(*rows).lazy())
    return cleaned.frame.collect(), [(c, r, n) for c, r, n in cleaned.nulled.iter_rows()]


def test_nothing_in_nothing_out() -> None:
    frame, nulled = _cleaned()
    assert_frame_equal(frame, TELEMETRY.empty())
    assert nulled == []


def test_a_possible_row_stays_as_it_is() -> None:
    row = _row(0, speed_kmh=0.0, latitude_deg=40.0, longitude_deg=-3.0, fuel_level_pct=0.0, dtc_codes=["P0420"])
    frame, nulled = _cleaned(row)
    assert_frame_equal(frame, telemetry(row))
    assert nulled == []


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("speed_kmh", 255.0, "invalid byte 255"),
        ("gps_speed_kmh", 255.0, "invalid byte 255"),
        ("speed_kmh", 251.0, "outside the physical range"),
        ("speed_kmh", -1.0, "outside the physical range"),
        ("speed_kmh", float("nan"), "not a finite number"),
        ("coolant_temp_c", float("inf"), "not a finite number"),
        ("soc_pct", 101.0, "outside the physical range"),
        ("satellite_count", 101, "outside the physical range"),
    ],
)
def test_impossible_values_are_null_and_counted_once(column: str, value: float, reason: str) -> None:
    frame, nulled = _cleaned(_row(0, **{column: value}), _row(1, **{column: 0}))
    assert frame[column].to_list() == [None, 0]
    assert nulled == [(column, reason, 1)]


def test_bounds_of_the_range_are_possible() -> None:
    row = _row(0, speed_kmh=250.0, soc_pct=100.0, coolant_temp_c=-50.0)
    assert _cleaned(row)[1] == []


def test_a_receiver_without_a_fix_says_nothing_of_place_or_speed() -> None:
    fix = {"latitude_deg": 56.0, "longitude_deg": 10.0, "gps_speed_kmh": 0.0, "heading_deg": 0.0}
    frame, nulled = _cleaned(_row(0, altitude_m=-5400.0, **fix), _row(1, altitude_m=60.0, **fix))
    assert frame["latitude_deg"].to_list() == [None, 56.0]
    assert frame["gps_speed_kmh"].to_list() == [None, 0.0]
    assert {reason for _, reason, _ in nulled} == {"receiver without a fix"}


def test_position_zero_is_no_position() -> None:
    frame, nulled = _cleaned(_row(0, latitude_deg=0.0, longitude_deg=0.0), _row(1, latitude_deg=0.0, longitude_deg=9.0))
    assert frame["longitude_deg"].to_list() == [None, 9.0]
    assert nulled == [("latitude_deg", "position 0,0", 1), ("longitude_deg", "position 0,0", 1)]


def test_half_a_position_is_none() -> None:
    frame, nulled = _cleaned(_row(0, latitude_deg=33.9, longitude_deg=1555.6), _row(1, latitude_deg=33.9))
    assert frame["latitude_deg"].null_count() == 2
    assert ("latitude_deg", "latitude without longitude", 2) in nulled


def _track(*degrees: float) -> list[dict[str, object]]:
    return [_row(10 * k, latitude_deg=lat, longitude_deg=10.0) for k, lat in enumerate(degrees)]


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_position_no_vehicle_can_reach_is_null_wherever_it_comes(place: int) -> None:
    degrees = [50 + 0.002 * k for k in range(7)]
    degrees[place] += 1
    frame, nulled = _cleaned(*_track(*degrees))
    assert frame["latitude_deg"].is_null().to_list() == [k == place for k in range(7)]
    assert nulled == [("latitude_deg", "impossible jump", 1), ("longitude_deg", "impossible jump", 1)]


def test_a_vehicle_that_went_on_elsewhere_keeps_both_tracks() -> None:
    ferry = [50 + 0.002 * k for k in range(8)] + [52 + 0.002 * k for k in range(8)]
    assert _cleaned(*_track(*ferry))[1] == []


def test_a_fix_after_a_silence_may_be_anywhere_the_time_allows() -> None:
    far = [_row(0, latitude_deg=50.0, longitude_deg=10.0), _row(7200, latitude_deg=53.0, longitude_deg=10.0)]
    assert _cleaned(*far)[1] == []


def test_a_fix_that_is_repeated_while_the_vehicle_drives_is_no_jump_when_it_comes_free() -> None:
    """Twenty seconds with one fix at 100 km/h are 550 m, which then appear in one second."""
    held = [_row(k, latitude_deg=50.0, longitude_deg=10.0, speed_kmh=100.0) for k in range(20)]
    free = [_row(20 + k, latitude_deg=50.005 + 0.00025 * k, longitude_deg=10.0, speed_kmh=100.0) for k in range(20)]
    assert _cleaned(*held, *free)[1] == []


def test_vehicles_and_sources_are_not_neighbours() -> None:
    rows = [_row(0, latitude_deg=50.0, longitude_deg=10.0), _row(1, latitude_deg=20.0, longitude_deg=10.0, source="b"),
            _row(2, latitude_deg=50.0, longitude_deg=10.0),
            {"vehicle_id": "b", "recorded_at": NOON, "latitude_deg": 1.0, "longitude_deg": 1.0}]  # fmt: skip
    assert _cleaned(*rows)[1] == []


def test_rows_of_one_instant_become_one_and_the_fullest_wins() -> None:
    later = NOON + timedelta(hours=1)
    frame, nulled = _cleaned(
        _row(0, speed_kmh=10.0, soc_pct=50.0, received_at=NOON, dtc_codes=["P1"]),
        _row(0, speed_kmh=20.0, received_at=later, dtc_codes=["P2"], engine_speed_rpm=None),
        _row(0, coolant_temp_c=80.0, received_at=NOON),
        _row(1, speed_kmh=30.0, received_at=later),
    )
    expected = [_row(0, speed_kmh=10.0, soc_pct=50.0, coolant_temp_c=80.0, received_at=later, dtc_codes=["P1"]),
                _row(1, speed_kmh=30.0, received_at=later)]  # fmt: skip
    assert_frame_equal(frame, telemetry(*expected))
    assert nulled == [("(row)", "same vehicle, instant and source", 2)]


def test_of_equally_full_rows_the_larger_content_wins_whichever_arrived_last() -> None:
    low, high = {"speed_kmh": 60.0, "soc_pct": 9.0}, {"speed_kmh": 70.0, "soc_pct": 8.0}
    later = NOON + timedelta(hours=1)
    for first, last in ((low, high), (high, low)):
        frame, _ = _cleaned(_row(0, received_at=NOON, **first), _row(0, received_at=later, **last))
        assert_frame_equal(frame, telemetry(_row(0, received_at=later, **high)))


def test_a_position_is_of_one_row_although_another_is_fuller() -> None:
    full = _row(0, latitude_deg=50.0, speed_kmh=50.0, soc_pct=50.0)
    frame, _ = _cleaned(full, _row(0, latitude_deg=51.0, longitude_deg=9.0), _row(0, longitude_deg=10.0))
    assert_frame_equal(
        frame, telemetry(_row(0, latitude_deg=51.0, longitude_deg=9.0, speed_kmh=50.0, soc_pct=50.0)),
    )  # fmt: skip


def test_columns_that_are_not_there_are_not_needed() -> None:
    frame = telemetry(_row(0, speed_kmh=255.0)).select("vehicle_id", "recorded_at", "source", "speed_kmh")
    cleaned = clean_telemetry(frame.lazy())
    assert cleaned.frame.collect().columns == frame.columns
    assert cleaned.nulled.rows() == [("speed_kmh", "invalid byte 255", 1)]


_VALUES = st.sampled_from([None, 0.0, 50.0, 50.001, 51.0, 255.0, float("nan"), 999.0])
_ROWS = st.lists(
    st.fixed_dictionaries({
        "vehicle_id": st.sampled_from("ab"), "seconds": st.integers(0, 30), "latitude_deg": _VALUES,
        "longitude_deg": _VALUES, "speed_kmh": _VALUES, "altitude_m": _VALUES,
    }), max_size=25,
)  # fmt: skip


@given(_ROWS, st.permutations(range(25)))
def test_the_instant_of_arrival_changes_no_other_column(rows: list[dict[str, object]], order: list[int]) -> None:
    at = [{k: v for k, v in row.items() if k != "seconds"} | {"recorded_at": NOON} for row in rows]
    arrived = [NOON + timedelta(seconds=k) for k in order]
    straight, shuffled = (
        clean_telemetry(telemetry(*(row | {"received_at": t} for row, t in zip(at, times, strict=False))).lazy())
        for times in ([NOON] * len(at), arrived)
    )
    assert_frame_equal(straight.frame.collect().drop("received_at"), shuffled.frame.collect().drop("received_at"))
    assert_frame_equal(straight.nulled, shuffled.nulled)


@given(_ROWS, st.permutations(range(25)))
def test_order_and_repetition_never_show(rows: list[dict[str, object]], order: list[int]) -> None:
    def at(row: dict[str, object]) -> dict[str, object]:
        seconds = row["seconds"]
        assert isinstance(seconds, int)
        return {k: v for k, v in row.items() if k != "seconds"} | {"recorded_at": NOON + timedelta(seconds=seconds)}

    given_rows = [at(row) for row in rows]
    shuffled = [given_rows[k] for k in order if k < len(given_rows)]
    straight = clean_telemetry(telemetry(*given_rows).lazy()).frame.collect()
    repeated = clean_telemetry(telemetry(*shuffled, *shuffled[:5]).lazy()).frame.collect()
    assert_frame_equal(straight, repeated)
    assert straight.select("vehicle_id", "recorded_at").is_unique().all()
    again = clean_telemetry(straight.lazy())
    assert straight.select("latitude_deg").null_count().item() <= again.frame.collect()["latitude_deg"].null_count()
