"""Which distance a trip gets, and from what."""

from __future__ import annotations

import polars as pl
import pytest

from fleet_assets_tests.core.histories import Vehicle, telemetry, trips_of, vehicle

ALL = ("speed_kmh", "odometer_km", "latitude_deg", "longitude_deg")


def _measured(history: pl.DataFrame) -> tuple[object, object]:
    (trip,) = trips_of(history).rows(named=True)
    return trip["distance_source"], trip["distance_km"]


def _tour(*columns: str) -> Vehicle:
    return vehicle(*columns).stand(60).drive(3600, kmh=60).stand(600)


def test_a_fine_odometer_is_believed_first() -> None:
    assert _measured(_tour(*ALL).frame()) == ("odometer", pytest.approx(60 * 3590 / 3600))


def test_the_vehicles_own_speed_comes_next() -> None:
    assert _measured(_tour("speed_kmh", "latitude_deg", "longitude_deg").frame()) == (
        "speed",
        pytest.approx(59.917, abs=0.1),
    )


def test_positions_come_last() -> None:
    source, km = _measured(_tour("gps_speed_kmh", "latitude_deg", "longitude_deg").frame())
    assert (source, km) == ("gps", pytest.approx(60, abs=0.3))


def test_a_coarse_odometer_yields_to_the_speed_on_a_short_trip_and_wins_on_a_long_one() -> None:
    in_km = pl.col("odometer_km").floor()
    short = vehicle(*ALL).drive(300, kmh=60).stand(600).frame().with_columns(in_km)
    long = vehicle(*ALL).drive(7200, kmh=60).stand(600).frame().with_columns(in_km)
    assert _measured(short)[0] == "speed"
    assert _measured(long) == ("odometer", pytest.approx(120, abs=1))


def test_an_odometer_that_stands_still_is_not_believed() -> None:
    stuck = _tour(*ALL).frame().with_columns(pl.lit(1234.5).alias("odometer_km"))
    assert _measured(stuck)[0] == "speed"
    no_speed = stuck.with_columns(pl.lit(None, pl.Float64).alias("speed_kmh"))
    assert _measured(no_speed) == ("gps", pytest.approx(60, abs=0.5))


def test_positions_that_are_stuck_are_not_believed() -> None:
    stuck = _tour("speed_kmh", "latitude_deg", "longitude_deg").frame().with_columns(pl.lit(50.0).alias("latitude_deg"))
    assert _measured(stuck)[0] == "speed"


def test_an_odometer_that_was_reset_counts_its_increments_only() -> None:
    reset = pl.when(pl.int_range(pl.len()) >= 200).then(pl.col("odometer_km") - 1000).otherwise("odometer_km")
    source, km = _measured(_tour(*ALL).frame().with_columns(reset.alias("odometer_km")))
    assert (source, km) == ("odometer", pytest.approx(60, abs=0.4))


def test_an_odometer_that_jumps_does_not_lengthen_a_trip() -> None:
    jump = pl.when(pl.int_range(pl.len()) >= 200).then(pl.col("odometer_km") + 800).otherwise("odometer_km")
    assert _measured(_tour(*ALL).frame().with_columns(jump.alias("odometer_km")))[1] == pytest.approx(60, abs=0.4)


def test_counters_of_two_sources_are_never_mixed() -> None:
    one = vehicle(*ALL).drive(3600).stand(600).frame().with_columns(source=pl.lit("one"))
    two = one.with_columns(pl.col("odometer_km") + 5000, pl.col("recorded_at").dt.offset_by("3s"), source=pl.lit("two"))
    gone = one.with_row_index("n").filter((pl.col("n") < 100) | (pl.col("n") > 200)).drop("n")
    assert _measured(pl.concat([gone, two]))[1] == pytest.approx(60, abs=0.4)


def test_a_speed_stands_for_one_sampling_gap_at_most() -> None:
    assert _measured(vehicle().drive(600).silent(240).drive(600).stand(600).frame())[1] == pytest.approx(
        60 * (590 + 60 + 590) / 3600
    )


def test_a_position_that_does_not_move_with_the_vehicle_counts_once_it_comes_free() -> None:
    columns = ("gps_speed_kmh", "latitude_deg", "longitude_deg")
    frozen = pl.col("latitude_deg").gather(pl.when(pl.int_range(pl.len()).is_between(100, 130)).then(100).otherwise(
        pl.int_range(pl.len())))  # fmt: skip
    assert _measured(_tour(*columns).frame().with_columns(frozen))[1] == pytest.approx(60, abs=0.5)


def test_noise_of_a_standing_receiver_is_no_distance() -> None:
    noise = pl.Series([1e-5 * (k * 7 % 5) for k in range(24)])
    waiting = vehicle("gps_speed_kmh", "latitude_deg", "longitude_deg").drive(600).stand(240)
    drive = waiting.drive(600).stand(600).frame().with_row_index("n")
    noisy = drive.with_columns(
        pl.when(pl.col("n").is_between(60, 83))
        .then(pl.col("latitude_deg") + noise.gather((drive["n"].cast(pl.Int64) - 60) % 24))
        .otherwise("latitude_deg").alias("latitude_deg")
    )  # fmt: skip
    assert _measured(noisy.drop("n"))[1] == pytest.approx(_measured(drive.drop("n"))[1], abs=0.01)


def test_a_vehicle_that_gives_only_an_odometer_makes_trips() -> None:
    assert _measured(vehicle("odometer_km").stand(300).drive(1200, kmh=60).stand(900).frame()) == (
        "odometer", pytest.approx(20 * 1190 / 1200, abs=0.01),
    )  # fmt: skip


def test_a_vehicle_that_gives_only_positions_makes_trips() -> None:
    driven = vehicle("latitude_deg", "longitude_deg", step_s=30).stand(300).drive(1200, kmh=60).stand(900)
    assert _measured(driven.frame()) == ("gps", pytest.approx(20, abs=0.6))


def test_a_tracker_that_speaks_every_four_minutes_keeps_its_trips_whole() -> None:
    slow = vehicle("latitude_deg", "longitude_deg", step_s=240).stand(3600).drive(2 * 3600, kmh=60).stand(3600)
    trips = trips_of(slow.frame())
    assert trips.height == 1
    assert trips["distance_km"].item() == pytest.approx(120, abs=4.1)


def test_nothing_to_measure_by_is_no_trip() -> None:
    assert trips_of(telemetry()).is_empty()


def _three(history: pl.DataFrame) -> tuple[object, ...]:
    (trip,) = trips_of(history).rows(named=True)
    return trip["odometer_distance_km"], trip["speed_distance_km"], trip["gps_distance_km"]


def test_what_each_source_measured_is_kept_beside_the_one_that_is_believed() -> None:
    about = pytest.approx(59.9, abs=0.3)
    assert _three(_tour(*ALL).frame()) == (about, about, about)
    assert _three(_tour("speed_kmh").frame()) == (None, about, None)
    assert _three(_tour("latitude_deg", "longitude_deg").frame()) == (None, None, about)


def test_an_odometer_that_is_not_believed_is_kept_too() -> None:
    stuck = _tour("speed_kmh", "odometer_km").frame().with_columns(odometer_km=pl.lit(1000.0))
    (trip,) = trips_of(stuck).rows(named=True)
    assert (trip["quality"], trip["distance_source"]) == ("odometer_overruled", "speed")
    assert (trip["odometer_distance_km"], trip["speed_distance_km"]) == (0.0, pytest.approx(59.9, abs=0.1))


def test_of_a_drive_that_nobody_saw_odometer_and_straight_line_are_kept() -> None:
    left = vehicle("odometer_km", "latitude_deg", "longitude_deg", "speed_kmh").stand(600)
    (drive,) = trips_of(left.silent(36_000, kmh=5).stand(600).frame()).rows(named=True)
    assert drive["start_reason"] == "unobserved"
    told = drive["odometer_distance_km"], drive["speed_distance_km"], drive["gps_distance_km"]
    assert told == (drive["distance_km"], None, pytest.approx(50, rel=0.01))
