"""Rows on a terminal of 80, 120 and 200 columns: what is shown of them, and what is said of the rest."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from fleet_assets.commands.frame_grid import chosen, frame_lines
from fleet_assets.contracts import TABLES, TRIPS
from fleet_assets.contracts.errors import UsageError
from fleet_assets.contracts.headlines import HEADLINES, headline, ranks
from fleet_assets.core.us_units import in_us_units
from fleet_assets_tests.conftest import REPOSITORY

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def trips(count: int) -> pl.DataFrame:
    """Trips of electric vans, an hour apart."""
    rows = pl.DataFrame({
        "trip_id": [f"d89887d94bdbc95{place}" for place in range(count)],
        "vehicle_id": [f"electric-{place:02}" for place in range(count)],
        "started_at": [NOON + timedelta(hours=place, seconds=2) for place in range(count)],
        "ended_at": [NOON + timedelta(hours=place, minutes=38) for place in range(count)],
        "duration_s": [2278.0] * count,
        "distance_km": [12.3456 + place for place in range(count)],
        "max_speed_kmh": [87.04] * count,
        "energy_used_kwh": [2.3171] * count,
        "coverage_pct": [100.0] * count,
    })  # fmt: skip
    return pl.concat([TRIPS.empty(), rows], how="diagonal")


@pytest.mark.parametrize(
    ("width", "header"),
    [
        (80, ["vehicle_id", "started_at", "duration_s", "distance_km", "max_speed_kmh"]),
        (120, ["vehicle_id", "started_at", "ended_at", "duration_s", "distance_km", "max_speed_kmh", "coverage_pct",
               "energy_used_kwh"]),
    ],
)  # fmt: skip
def test_of_all_columns_of_trips_a_person_sees_what_matters(width: int, header: list[str]) -> None:
    lines = frame_lines(trips(3), width)
    assert lines[0].split() == header
    assert {"electric-00", "2026-03-01", "12:00", "38", "12.3"} <= set(lines[1].split())
    hidden = len(TRIPS.columns) - len(header)
    assert lines[4] == f"{hidden} of {len(TRIPS.columns)} columns hidden; --wide shows all, --columns NAME,NAME chooses"
    assert max(map(len, lines)) <= width


def test_in_miles_the_same_columns_come_first() -> None:
    rows = in_us_units(trips(3))
    place = dict(zip(rows.columns, ranks(trips(3).columns).values(), strict=True))
    header = frame_lines(rows, 80, place=place)[0].split()
    assert header == ["vehicle_id", "started_at", "duration_s", "distance_mi", "max_speed_mph"]


def test_on_200_columns_more_of_the_table_is_seen_and_empty_columns_last() -> None:
    header, *rows, told = frame_lines(trips(3), 200)
    assert {"vehicle_id", "duration_s", "energy_used_kwh", "ended_at"} <= set(header.split())
    assert "fuel_used_l" not in header
    assert "columns hidden" in told
    assert max(map(len, (header, *rows))) <= 200


def test_wide_shows_every_column() -> None:
    lines = frame_lines(trips(3), 80, wide=True)
    assert (len(lines), lines[0].split()) == (4, list(TRIPS.schema))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("width", [80, 120])
def test_a_row_or_two_stand_upright_with_every_column_named(count: int, width: int) -> None:
    lines = frame_lines(trips(count), width)
    assert lines[0].split() == (["column", "value"] if count == 1 else ["column", "row", "1", "row", "2"])
    said = " ".join(lines)
    assert all(name in said for name in TRIPS.schema)
    assert [line.split() for line in lines if line.startswith("started_at")] == [
        ["started_at", *["2026-03-01", "12:00:02", "2026-03-01", "13:00:02"][: 2 * count]]
    ]
    assert "columns without a value: driver_id" in said
    assert max(map(len, lines)) <= width


def test_a_row_that_fits_lies_flat() -> None:
    rows = pl.DataFrame({"vehicle_id": ["van-1"], "km": [12.5]})
    assert frame_lines(rows, 80) == ["vehicle_id    km", "van-1       12.5"]


def test_no_rows_are_a_header() -> None:
    assert frame_lines(TRIPS.empty(), 80)[0].split()[0] == "vehicle_id"


def test_the_name_of_a_vehicle_is_whole_however_much_else_there_is() -> None:
    name = "a lorry that the depot calls by thirty words and more"
    rows = pl.DataFrame({"note": ["x" * 200] * 3, "vehicle_id": [name] * 3, "km": [1.5] * 3})
    rows = rows.with_columns(a=pl.lit(None), b=pl.lit(None)).select("note", "vehicle_id", "a", "b", "km")
    for width in (80, 120, 200):
        lines = frame_lines(rows, width)
        assert all(name in line for line in lines[1:4])
        assert all(line.split()[-1] == "1.50" for line in lines[1:4])


def test_of_few_columns_a_long_text_runs_over_several_lines() -> None:
    words = " ".join(["word"] * 30)
    lines = frame_lines(pl.DataFrame({"name": ["a", "b", "c"], "meaning": [words] * 3}), 80)
    assert [line.split()[0] for line in lines] == ["name", "a", "word", "b", "word", "c", "word"]
    assert "".join(lines).count("word") == 90


def test_columns_are_chosen_by_name_and_by_pattern_in_the_order_asked() -> None:
    rows = trips(1)
    assert chosen(rows, "distance_km, vehicle_id").columns == ["distance_km", "vehicle_id"]
    assert chosen(rows, "vehicle_id,*_kwh,vehicle_id").columns == [
        "vehicle_id", "energy_used_kwh", "energy_discharged_kwh", "energy_regenerated_kwh", "electric_energy_kwh",
    ]  # fmt: skip
    assert chosen(rows, "").columns == rows.columns


def test_a_column_that_is_not_there_is_refused_and_the_right_name_proposed() -> None:
    with pytest.raises(UsageError, match=r"no column is called distance; .*; did you mean distance_km"):
        chosen(trips(1), "distance")


def test_headlines_name_columns_that_their_tables_have() -> None:
    page = (REPOSITORY / "docs" / "marts.md").read_text()
    for table, names in HEADLINES.items():
        mart = re.search(rf"^#+ `?{table}`?$(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
        columns = re.findall(r"^\| `(\w+)`", mart[1], re.MULTILINE) if mart else []
        assert set(names) <= {*(TABLES[table].schema if table in TABLES else columns)}, table
    assert headline("drivers", ["driver_id", "name", "phone"]) == ["name", "phone"]
