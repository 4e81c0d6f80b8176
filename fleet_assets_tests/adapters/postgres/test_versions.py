"""Results of queries on PostgreSQL are kept as long as everything that they were computed from is the same."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from fleet_assets.adapters.postgres.announced import announced
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.names import READER, statement
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.adapters.query_cache import QueryCache
from fleet_assets.contracts import TRIPS
from fleet_assets_tests.dbt.small_fleet import stops, store, trips

COUNT = "select count(*) as n from trips"


@pytest.fixture
def cache(loader: Loader) -> QueryCache:
    store(loader.lake, trips(), stops())
    list(loader.load())
    return QueryCache(PostgresWarehouse(loader.server))


def make_view(loader: Loader, text: str) -> None:
    with announced(loader.server) as connection:
        connection.execute(statement("create or replace view fleet.mine as " + text))
        connection.execute(statement("grant select on fleet.mine to {reader}", reader=READER))


def test_the_second_of_two_equal_questions_is_not_computed(cache: QueryCache) -> None:
    assert cache.query(COUNT).equals(cache.query(COUNT))
    assert (cache.statistics().misses, cache.statistics().hits) == (1, 1)


def test_a_loaded_partition_changes_the_answer(cache: QueryCache, loader: Loader) -> None:
    before = cache.query(COUNT)["n"].item()
    day = date(2026, 3, 27)
    gone = loader.lake.scan(TRIPS, [day]).collect().height
    loader.lake.write(TRIPS, day, TRIPS.empty(), "none left")
    list(loader.load(["trips"]))
    assert gone > 0
    assert cache.query(COUNT)["n"].item() == before - gone


def test_a_view_that_asks_the_clock_is_never_kept(cache: QueryCache, loader: Loader) -> None:
    make_view(loader, "select vehicle_id, current_timestamp as at from fleet.trips")
    first, second = (cache.query("select max(at) as at from mine")["at"].item() for _ in range(2))
    assert second > first
    assert cache.statistics().passed == 2


def test_a_view_with_another_text_under_its_name_gives_another_answer(cache: QueryCache, loader: Loader) -> None:
    answers = []
    for limit in ("0", "50"):
        make_view(loader, f"select distance_km from fleet.trips where distance_km > {limit}")
        answers += [cache.query("select count(*) as n from mine") for _ in range(2)]
    counts = pl.concat(answers)["n"].to_list()
    assert counts == [10, 10, 4, 4]
    assert cache.statistics().hits == 2
