"""The same lake gives the same marts on DuckDB and on a real PostgreSQL, built by the same command."""

from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal

from fleet_assets.places import Places
from fleet_assets.settings import load_settings
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.dbt.small_fleet import stops, store, trips

MARTS = ("trip_daily_stats", "vehicle_daily", "monthly_summary", "fleet_km_daily", "trips_for_map")
SELECTION = "group:warehouse,group:staging,group:intermediate,group:marts,group:views"
"""What lies behind the lake: the tables of this test are put into it by hand."""


def test_both_databases_give_the_same_marts(
    places: Places, postgres_url: str, fleet: FleetCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(places.lake, trips(), stops())
    on_duckdb = fleet("build", "--select", SELECTION)
    assert (on_duckdb.returncode, on_duckdb.stderr) == (0, ""), on_duckdb.stderr
    on_postgres = fleet("build", "--select", SELECTION, FLEET_WAREHOUSE_URL=postgres_url)
    assert (on_postgres.returncode, on_postgres.stderr) == (0, ""), on_postgres.stderr
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", postgres_url)
    server = Places(load_settings()).warehouse
    for mart in MARTS:
        text = f"select * from {mart} order by 1, 2"
        expected = places.warehouse.query(text)
        assert expected.height > 0
        assert_frame_equal(server.query(text), expected, check_exact=True)
