"""A statement that only reads is told from one that writes somewhere within."""

from __future__ import annotations

import pytest

from fleet_assets.adapters.parsed_select import only_reads


@pytest.mark.parametrize(
    "sql", ["select 1", "from trips", "with a as (select 1) from a union all select 2", "show tables", "describe trips"]
)
def test_what_gives_rows_and_changes_nothing_only_reads(sql: str) -> None:
    assert only_reads(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from trips",
        "with a as (insert into trips values (1) returning *) from a",
        "with a as (copy trips to 'a.csv') from a",
        "select 1; select 2",
        "selec",
        "",
    ],
)
def test_what_writes_or_is_no_single_select_does_not(sql: str) -> None:
    assert not only_reads(sql)
