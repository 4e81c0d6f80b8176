"""Each index and each partition bound has a question that it serves; without it, rows are read from end to end."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from fleet_assets.adapters.postgres.schema import BY_VEHICLE
from fleet_assets_tests.deploy.plans import nodes, raw_scans

NEWEST = "select * from fleet.{table} where vehicle_id = 'v1' order by {instant} desc limit 1"
OF_A_VEHICLE = (
    "select * from fleet.{table} where vehicle_id = 'v1' and {instant} > now() - interval '5 days' order by {instant}"
)


@pytest.mark.parametrize("question", [NEWEST, OF_A_VEHICLE])
@pytest.mark.parametrize("name", sorted(BY_VEHICLE))
def test_rows_of_one_vehicle_are_found_by_its_index(name: str, question: str, warehouse: psycopg.Connection) -> None:
    instant = BY_VEHICLE[name][1]
    found = nodes(warehouse, question.format(table=name, instant=instant))
    read = [node for node in found if node.get("Relation Name", "").startswith(name)]
    assert read
    if name == "telemetry":
        assert {node["Node Type"] for node in read} <= {"Index Scan", "Bitmap Heap Scan"}


def test_an_hour_of_the_fleet_reads_its_day_only(warehouse: psycopg.Connection) -> None:
    hour = "'{0:%Y-%m-%d} 10:00+00' and '{0:%Y-%m-%d} 10:59+00'".format(datetime.now(UTC))
    found = nodes(warehouse, f"select avg(speed_kmh) from fleet.telemetry where recorded_at between {hour}")
    read = {node["Relation Name"] for node in found if "Relation Name" in node}
    assert read == {f"telemetry_{datetime.now(UTC):%Y_%m_%d}"}


def test_the_search_for_scans_finds_one(warehouse: psycopg.Connection) -> None:
    assert len(raw_scans(warehouse, "select avg(speed_kmh) from fleet.telemetry")) > 5


def test_without_its_index_a_track_is_read_from_end_to_end(warehouse: psycopg.Connection) -> None:
    question = OF_A_VEHICLE.format(table="telemetry", instant="recorded_at")
    assert raw_scans(warehouse, question) == []
    with warehouse.transaction(force_rollback=True):
        warehouse.execute("drop index fleet.telemetry_vehicle")
        assert raw_scans(warehouse, question)
