"""How values read to a person: rounded, in units of everyday, and never as a 0 that is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from fleet_assets.core.for_eyes import for_eyes
from fleet_assets.wording import sized, spanned

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(name: str, *values: object) -> list[str]:
    return for_eyes(pl.DataFrame({name: values}, strict=False))[name].to_list()


def test_numbers_of_a_column_have_the_decimals_that_its_largest_needs() -> None:
    assert read("distance_km", 1234.5678, 0.25, None) == ["1234.6", "0.2", "-"]
    assert read("fuel_used_l", 1.23456, 0.5) == ["1.23", "0.50"]
    assert read("energy_kwh", 0.12345, 0.5) == ["0.123", "0.500"]
    assert read("odometer_km", 123456.78) == ["123,456.8"]
    assert read("coverage_pct", 100.0, 97.0) == ["100", "97"]


def test_what_is_not_zero_never_reads_as_zero() -> None:
    assert read("distance_km", 812.3, 0.0041, 0.0) == ["812.3", "0.0041", "0.0"]


def test_degrees_are_told_to_a_metre_and_money_to_a_cent() -> None:
    assert read("latitude_deg", 52.1234567) == ["52.12346"]
    assert read("cost", 12.345, 1000.0) == ["12.35", "1000.00"]


def test_whole_numbers_are_grouped_from_ten_thousand_on() -> None:
    assert read("rows", 9_999, 10_000, 1_234_567, None) == ["9999", "10,000", "1,234,567", "-"]


def test_seconds_read_as_lengths_of_time_and_rates_per_second_do_not() -> None:
    assert read("duration_s", 2286.0, 45.0, None) == ["38 min", "45 s", "-"]
    assert read("bytes_per_s", 2286.0) == ["2286"]
    assert read("span", timedelta(hours=1, minutes=5)) == ["1 h 05 min"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"), (0.25, "0.25 s"), (-90.0, "-90 s"), (119.6, "120 s"), (120.0, "2 min"), (3599.0, "1 h 00 min"),
        (3900.0, "1 h 05 min"), (172_799.0, "2 d 0 h"), (273_600.0, "3 d 4 h"), (400 * 86_400.0, "400 d 0 h"),
    ],
)  # fmt: skip
def test_a_length_of_time_in_words(seconds: float, text: str) -> None:
    assert spanned(seconds) == text


def test_sizes_in_words() -> None:
    assert [sized(size) for size in (0, 999, 1_000, 12_345_678, 2.5e9)] == ["0 B", "999 B", "1 kB", "12.3 MB", "2.5 GB"]
    assert [sized(size) for size in (999.6, 999_600)] == ["1 kB", "1 MB"]


def test_instants_are_as_fine_as_it_takes_to_tell_rows_apart() -> None:
    later = [NOON + step for step in (timedelta(0), timedelta(minutes=1, seconds=20))]
    assert read("at", *later) == ["2026-03-01 12:00", "2026-03-01 12:01"]
    assert read("at", NOON, NOON + timedelta(seconds=1)) == ["2026-03-01 12:00:00", "2026-03-01 12:00:01"]
    assert read("at", NOON, NOON + timedelta(milliseconds=250), None) == [
        "2026-03-01 12:00:00.000", "2026-03-01 12:00:00.250", "-",
    ]  # fmt: skip
    whole = for_eyes(pl.DataFrame({"at": later}), to_the_second=True)
    assert whole["at"].to_list() == ["2026-03-01 12:00:00", "2026-03-01 12:01:20"]


def test_other_kinds_of_values() -> None:
    assert read("on", True, None) == ["true", "-"]
    assert read("local_date", date(2026, 3, 1)) == ["2026-03-01"]
    assert read("codes", ["P0420", "U0100"]) == ["P0420, U0100"]
    assert read("data", b"\x01\xff") == ["01ff"]
    assert read("rate", float("nan"), 1.5) == ["nan", "1.50"]


def test_no_rows_and_no_values() -> None:
    assert for_eyes(pl.DataFrame(schema={"distance_km": pl.Float64})).height == 0
    assert read("distance_km", None, None) == ["-", "-"]
