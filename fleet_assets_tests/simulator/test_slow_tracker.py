"""What a slow tracker would have sent of dense telemetry."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fleet_assets.simulator.slow_tracker import newest_values, sent_every
from fleet_assets_tests.core.histories import NOON, telemetry, vehicle


def _at(frame: pl.DataFrame) -> list[float]:
    return [(instant - NOON).total_seconds() for instant in frame["recorded_at"]]


def test_a_row_holds_the_newest_value_of_each_quantity_unless_it_is_old() -> None:
    rows = telemetry(
        {"vehicle_id": "a", "recorded_at": NOON, "odometer_km": 7.0},
        {"vehicle_id": "a", "recorded_at": NOON + timedelta(seconds=60), "speed_kmh": 5.0},
        {"vehicle_id": "a", "recorded_at": NOON + timedelta(seconds=61)},
        {"vehicle_id": "b", "recorded_at": NOON + timedelta(seconds=61)},
    )
    kept = newest_values(rows).select("vehicle_id", "speed_kmh", "odometer_km").rows()
    assert kept == [("a", None, 7.0), ("a", 5.0, 7.0), ("a", 5.0, None), ("b", None, None)]


def test_it_sends_the_newest_row_of_each_instant_and_nothing_while_the_vehicle_is_asleep() -> None:
    dense = vehicle(step_s=1.0).drive(130).silent(300).drive(60).frame()
    assert _at(sent_every(60, dense)) == [0, 60, 120, 480]


@given(st.integers(2, 100), st.floats(0, 0.5), st.integers(0, 9))
@example(3, 0.5, 0)
@settings(max_examples=40)
def test_jittered_rows_are_rows_of_the_recording_in_order_and_as_many(step: int, jitter: float, seed: int) -> None:
    two = pl.concat([vehicle(step_s=1.0, name=name).drive(400).frame() for name in "ab"])
    sent = sent_every(step, two, jitter, seed)
    assert sent.join(two, on=["vehicle_id", "recorded_at"], how="anti").is_empty()
    assert sent.equals(sent.sort("vehicle_id", "recorded_at").unique(maintain_order=True))
    per_vehicle = sent["vehicle_id"].value_counts()["count"].to_list()
    # Instants less than a second apart may fall on one row; of three in a row the first and the last are a step apart.
    least = 400 / step if step * (1 - 2 * jitter) >= 1 else 200 / step
    assert all(least - 2 <= count <= 400 / step + 2 for count in per_vehicle)


def test_nothing_is_sent_of_nothing() -> None:
    assert sent_every(60, telemetry()).is_empty()
