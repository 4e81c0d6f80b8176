"""Marts made anew for the touched days only equal marts made anew as a whole, to the last bit, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import duckdb
import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import HOURLY_USE, TABLES, TRIPS
from fleet_assets.defs.dead_runs import BUILD_TAG
from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_inputs import DECIDING, MartInputs, touched_days
from fleet_assets_tests.dbt.random_fleet import Fleet, random_fleet
from fleet_assets_tests.dbt.random_use import Used
from fleet_assets_tests.dbt.small_fleet import events, stops, store, trip, trips
from fleet_assets_tests.dbt.targets import PROJECT, SOURCES, DuckTarget, PostgresTarget, Target, run_dbt
from fleet_assets_tests.dbt.test_marts import materialise
from fleet_assets_tests.fixtures.drives import at
from fleet_assets_tests.fixtures.warehouses import duckdb_warehouse

MARTS = (
    "trip_daily_stats", "vehicle_daily", "monthly_summary", "energy_hourly", "charging_hourly_stats", "charging_daily",
    "fuel_daily",
)  # fmt: skip

MARCH = pl.col("local_date") < date(2026, 4, 1)


def histories(random: Random) -> list[Fleet]:
    """One fleet as it becomes known: with rows missing, late rows, trips gone, other numbers, periods of standing gone,
    an hour without the only fuel that a vehicle's hours tell, another zone."""
    whole = random_fleet(random)
    whole = replace(whole, used=_fuel_told_in(1, "v3", whole.used))
    ids = [row["trip_id"] for row in whole.trips]
    gone = {row["trip_id"] for row in whole.trips if row["vehicle_id"] == "v1" and row["closed_at"] < at("2026-03-29")}
    changed = [row | {"distance_km": row["distance_km"] + 1} if random.random() < 0.1 else row for row in whole.trips]
    moved = whole.zones | {"v0": "Asia/Kathmandu"}
    return [
        whole.without(set(random.sample(ids, len(ids) // 5))),
        whole,
        whole.without(gone | set(random.sample(ids, 5))),
        replace(whole, trips=changed, stops=random.sample(whole.stops, len(whole.stops) - 3)),
        replace(whole, trips=changed, standing=[row for row in whole.standing if random.random() < 0.9]),
        replace(whole, trips=changed, used=_some(random, whole.used)),
        replace(whole, trips=changed),
        replace(whole, trips=changed, used=_fuel_told_in(0, "v3", whole.used)),
        replace(whole, trips=changed, zones=moved),
    ]


def _some(random: Random, used: Used) -> Used:
    return {table: [row for row in rows if random.random() < 0.9] for table, rows in used.items()}


def _fuel_told_in(count: int, vehicle: str, used: Used) -> Used:
    """The same, but that a vehicle's hours tell fuel in so many of them only, the first."""
    untold = {"fuel_used_l": None, "fuel_moving_l": None, "fuel_standing_l": None}
    its = [row for row in used[HOURLY_USE] if row["vehicle_id"] == vehicle]
    others = [row for row in used[HOURLY_USE] if row["vehicle_id"] != vehicle]
    told = [row | {"fuel_used_l": 1.0} for row in its[:count]]
    return used | {HOURLY_USE: others + told + [row | untold for row in its[count:]]}


def inputs(lake: Lake) -> MartInputs:
    return MartInputs.of(lake, SOURCES, [])


def marts(target: Target) -> dict[str, pl.DataFrame]:
    return {name: target.rows(f"select * from {name} order by 1, 2") for name in MARTS}


@pytest.fixture(params=["duckdb", "postgres"])
def make_target(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Target]:
    """Targets by name, each with a database of its own."""
    if request.param == "duckdb":
        return lambda name: DuckTarget(tmp_path / name)
    url = request.getfixturevalue("postgres_urls")
    return lambda name: PostgresTarget(tmp_path / name, url())


def test_touched_days_and_a_full_refresh_give_equal_marts(make_target: Callable[[str], Target], tmp_path: Path) -> None:
    lake, by_days, as_a_whole = Lake(str(tmp_path / "lake")), make_target("days"), make_target("whole")
    noted, stretches, told_by = "", [], []
    for fleet in histories(Random(4)):
        fleet.store(lake)
        now = inputs(lake)
        touched = touched_days([(now, noted)])
        for target in (by_days, as_a_whole):
            target.load(lake)
        refresh = ["--full-refresh"] if touched is None else []
        run_dbt(by_days, "run", *refresh, touched=touched)
        run_dbt(as_a_whole, "run", "--full-refresh")
        found, expected = marts(by_days), marts(as_a_whole)
        for name, frame in expected.items():
            assert frame.height > 10
            assert_frame_equal(found[name], frame, check_exact=True)
        told_by.append(expected["fuel_daily"].filter(pl.col("vehicle_id") == "v3", MARCH)["burned_source"].drop_nulls())
        noted = now.text
        stretches.append(touched)
    assert [touched is None for touched in stretches] == [True, *[False] * 7, True]
    # Trips of a month count once no hour of it tells fuel, also on days that the change of the hour does not touch.
    assert [set(sources) for sources in told_by[-3:]] == [{"hours"}, {"trips"}, {"hours"}]
    assert len(told_by[-2]) > 3


def test_the_bound_of_days_that_a_partition_touches_is_the_one_that_dbt_checks() -> None:
    document = yaml.safe_load((PROJECT / "models" / "staging" / "staging.yml").read_text())
    checked = {
        test["holds"]["name"]: int(re.search(r"date\) - (\d+) ", test["holds"]["arguments"]["statement"])[1])  # type: ignore[index]
        for model in document["models"] for test in model.get("data_tests", [])
        if "count_on_days" in test.get("holds", {}).get("name", "")
    }  # fmt: skip
    assert checked == {
        f"stg_{name}_count_on_days_that_their_partition_touches": TABLES[name].touches[0]
        for name in ("trips", "stops", "charging_hours", "charging_sessions", "fuel_events", "theft_candidates")
    }


def test_changed_and_vanished_partitions_touch_the_local_days_of_their_rows() -> None:
    before = MartInputs("w", {"trips": {"2026-03-02": "a", "2026-03-20": "b"}, "stops": {}, "telemetry": {}})
    changed = {"stops": {"2026-03-29": "d"}, "standing_periods": {"2026-03-02": "f"}, "telemetry": {"2026-03-02": "e"}}
    now = MartInputs("w", {"trips": {"2026-03-02": "c"}} | changed)
    assert touched_days([(now, before.text)]) == {
        "trips": [(date(2026, 1, 28), date(2026, 3, 21))],
        "stops": [(date(2026, 1, 24), date(2026, 3, 30))],
        "standing_periods": [(date(2026, 3, 1), date(2026, 3, 3))],
        "telemetry": [(date(2026, 3, 2), date(2026, 3, 2))],
    }
    assert touched_days([(now, now.text)]) == {name: [] for name in ("trips", "stops", "standing_periods", "telemetry")}


def test_a_vehicle_touches_all_days_when_it_becomes_another_and_none_when_it_comes_or_is_renamed() -> None:
    before = MartInputs("w", {"trips": {}}, {"van-1": "diesel"}, "Ann")
    for same in (MartInputs("w", {"trips": {}}, {"van-1": "diesel", "van-2": "x"}), replace(before, beside="Bob")):
        assert same.text != before.text
        assert touched_days([(same, before.text)]) == {"trips": []}
    assert touched_days([(replace(before, vehicles={"van-1": "petrol"}), before.text)]) is None


def test_another_table_without_days_touches_all_days_of_the_models_that_read_it_alone() -> None:
    before = MartInputs("w", {"trips": {}}, others={"theft_reviews": "a"})
    now = replace(before, others={"theft_reviews": "b"})
    assert touched_days([(now, before.text)]) is None
    mine, other = ([one.of_tables(names, has_names=False) for one in (now, before)]
                   for names in (("trips",), ("trips", "theft_reviews")))  # fmt: skip
    assert mine[0].text == mine[1].text
    assert other[0].text != other[1].text


def test_models_by_days_read_of_vehicles_what_their_inputs_name() -> None:
    models = [PROJECT / "models" / name for name in ("marts/monthly_summary.sql", "intermediate/int_vehicle_spans.sql")]
    read = {found for path in models for found in re.findall(r"vehicles\.(\w+)", path.read_text())}
    assert read <= {*DECIDING.columns}
    texts = {path: path.read_text() for path in (PROJECT / "models").rglob("*.sql")}
    by_days = {path for path, text in texts.items() if "materialized='incremental'" in text}
    assert {path for path in by_days if "stg_vehicles" in texts[path]} <= {*models}


@pytest.mark.parametrize("note", ["", "0123456789abcdef", MartInputs("other", {}).text])
def test_all_days_are_touched_where_nothing_is_known_or_more_than_partitions_changed(note: str) -> None:
    now = MartInputs("w", {"trips": {"2026-03-02": "a"}})
    assert touched_days([(now, now.text), (now, note)]) is None


@pytest.mark.usefixtures("read_project")
def test_a_build_remakes_the_touched_days_only_and_a_full_one_all(installation: Installation) -> None:
    store(installation.lake, trips(), stops())
    materialise()
    with duckdb.connect(str(duckdb_warehouse(installation).published)) as connection:
        connection.execute("update trip_daily_stats set max_speed_kmh = 1")
    late = events(TRIPS, trip("truck", "2026-03-20 08:00", 60, 80.0))
    installation.lake.write(TRIPS, date(2026, 3, 20), late, "test")

    assert materialise().success
    speeds = "select local_date, max_speed_kmh from trip_daily_stats where vehicle_id = 'truck' order by 1"
    assert installation.warehouse.query(speeds).rows() == [
        (date(2026, 3, 20), None), (date(2026, 3, 27), 1.0), (date(2026, 3, 28), 1.0),
        (date(2026, 3, 29), 1.0),
    ]  # fmt: skip
    assert materialise(tags={BUILD_TAG: "true"}).success
    assert installation.warehouse.query(speeds).rows() == [
        (date(2026, 3, 20), None), (date(2026, 3, 27), 90.0), (date(2026, 3, 28), 88.0),
        (date(2026, 3, 29), None),
    ]  # fmt: skip
