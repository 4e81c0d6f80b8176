"""What is new: by content, counted, whatever file, name or id the rows landed under."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.adapters.landing import Landing
from fleet_assets.contracts import RAW_CAN, RAW_TELEMETRY, TIMESTAMP
from fleet_assets_tests.fixtures.can_frames import START, frame_log, numbers


def raw(frames: pl.DataFrame, name: str) -> pl.DataFrame:
    ids = pl.Series([f"{name}-{number}" for number in range(frames.height)], dtype=pl.String)
    received = pl.lit(START + timedelta(hours=len(name))).cast(TIMESTAMP)
    return frames.with_columns(entry_id=ids, received_at=received).select(RAW_CAN.schema.names())


def land(landing: Landing, frames: pl.DataFrame, name: str) -> None:
    landing.append("can", raw(frames, name), name)


def test_all_is_new_where_nothing_landed(tmp_path: Path) -> None:
    frames = raw(frame_log(5), "b")
    assert LandedRows(Landing(tmp_path), "can").new(frames).equals(frames)
    assert LandedRows(Landing(tmp_path), "can").new(frames.clear()).is_empty()


def test_only_rows_beyond_the_overlap_are_new(tmp_path: Path) -> None:
    landing, log = Landing(tmp_path), frame_log(10)
    land(landing, log.slice(2, 4), "a")
    assert numbers(LandedRows(landing, "can").new(raw(log, "another"))) == [0, 1, 6, 7, 8, 9]


def test_another_vehicle_with_the_same_frames_is_new(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    land(landing, frame_log(5), "a")
    assert LandedRows(landing, "can").new(raw(frame_log(5, vehicle="v0"), "b")).height == 5


def test_equal_rows_are_counted(tmp_path: Path) -> None:
    landing, one = Landing(tmp_path), frame_log(1)
    land(landing, one, "a")
    assert LandedRows(landing, "can").new(raw(pl.concat([one] * 3), "b")).height == 2


def test_an_entry_that_landed_twice_counts_once(tmp_path: Path) -> None:
    landing, one = Landing(tmp_path), frame_log(1)
    landing.append("can", raw(one, "a"), "first")
    landing.append("can", raw(one, "a"), "redelivered")
    assert LandedRows(landing, "can").new(raw(pl.concat([one] * 2), "b")).height == 1


def test_telemetry_with_lists_and_nulls_is_compared_too(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "vehicle_id": ["v"] * 3, "recorded_at": [START] * 3, "source": ["telemetry"] * 3, "entry_id": list("abc"),
            "speed_kmh": [None, 1.0, 2.0], "dtc_codes": [["P1"], None, []],
        },
        schema_overrides={"recorded_at": TIMESTAMP},
    )  # fmt: skip
    frame = RAW_TELEMETRY.conform(rows.lazy()).collect()
    landing = Landing(tmp_path)
    landing.append("telemetry", frame.head(2), "a")
    again = frame.with_columns(entry_id=pl.lit("x") + pl.col("entry_id"))
    assert LandedRows(landing, "telemetry").new(again).get_column("speed_kmh").to_list() == [2.0]


@given(st.lists(st.integers(0, 12), max_size=4), st.integers(1, 13))
@settings(max_examples=15)
def test_pieces_of_a_log_in_any_order_give_the_log_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], size: int
) -> None:
    landing, log = Landing(tmp_path_factory.mktemp("landing")), frame_log(13)
    for number, cut in enumerate([*cuts, 0]):
        piece = log.slice(cut, 13 if number == len(cuts) else size)
        new = LandedRows(landing, "can").new(raw(piece, f"n{number}"))
        landing.append("can", new, f"n{number}")
    assert sorted(numbers(landing.scan("can", START.date()).collect())) == list(range(13))
