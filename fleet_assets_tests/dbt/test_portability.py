"""The same models on a real PostgreSQL give the same marts and views, to the last bit: only the loading differs."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from random import Random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import TELEMETRY
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.dbt.energy_fleet import energy_lake
from fleet_assets_tests.dbt.random_fleet import random_fleet
from fleet_assets_tests.dbt.small_fleet import NOW, telemetry
from fleet_assets_tests.dbt.targets import PROJECT, SOURCES, DuckTarget, PostgresTarget, run_dbt

pytest.importorskip("dbt.adapters.postgres", reason="dbt-postgres is not installed")

MARTS = sorted(path.stem for folder in ("marts", "views") for path in PROJECT.glob(f"models/{folder}/*.sql"))
AT_NOW = ("--vars", json.dumps({"now": NOW}))
EXAMPLES = re.findall(r"```sql\n(.*?)```", (REPOSITORY / "docs" / "examples_sql.md").read_text(), re.DOTALL)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = energy_lake(tmp_path)
    for (day,), part in telemetry().group_by(pl.col("recorded_at").dt.date()):
        assert isinstance(day, date)
        made.write(TELEMETRY, day, part, "test")
    return made


def test_both_databases_give_the_same_marts_views_and_examples(lake: Lake, postgres_url: str, tmp_path: Path) -> None:
    duck, postgres = DuckTarget(tmp_path / "duckdb"), PostgresTarget(tmp_path / "postgres", postgres_url)
    for target in (duck, postgres):
        target.load(lake)
        run_dbt(target, "build", *AT_NOW)
    for name in MARTS:
        assert equal_rows(duck, postgres, f"select * from {name} order by 1, 2, 3") > 0, name
    assert len(EXAMPLES) > 10
    filled = [equal_rows(duck, postgres, example) for example in EXAMPLES]
    # Of the last days, and of vehicles that stand for long, this fleet of March knows nothing.
    assert sum(rows > 0 for rows in filled) >= len(EXAMPLES) - 4
    assert postgres.rows(UNEXPLAINED)["name"].to_list() == []

    random_fleet(Random(11)).store(lake)
    for target in (duck, postgres):
        target.load(lake)
        run_dbt(target, "run", "--full-refresh", *AT_NOW)
    assert sum(equal_rows(duck, postgres, f"select * from {name} order by 1, 2, 3") for name in MARTS) > 100


UNEXPLAINED = f"""
select c.relname || coalesce('.' || a.attname, '') as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = 'fleet' and c.relkind in ('r', 'v') and c.relname not in ({", ".join(f"'{t.name}'" for t in SOURCES)})
    and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
"""
"""Marts, views and columns of them that the server has no words about."""


def equal_rows(duck: DuckTarget, postgres: PostgresTarget, sql: str) -> int:
    """How many rows both give; fails where they differ in the last bit."""
    expected = duck.rows(sql)
    found = postgres.rows(sql)
    assert found.columns == expected.columns
    assert_frame_equal(found.cast(dict(expected.schema)), expected, check_exact=True)  # type: ignore[arg-type]
    return expected.height
