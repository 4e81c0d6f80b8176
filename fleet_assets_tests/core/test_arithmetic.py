"""Sums are those of values one after the other, seconds those of a division, whatever threads and rows there are."""

from __future__ import annotations

import os
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.core.arithmetic import quotient, seconds_of, sum_in_order

SUMS = """
import hashlib
import numpy as np
import polars as pl
from fleet_assets.core.arithmetic import sum_in_order
random = np.random.default_rng(1)
rows = pl.DataFrame({"group": np.sort(random.integers(0, 1500, 20_000)), "value": random.random(20_000)})
sums = rows.lazy().group_by("group", maintain_order=True).agg(sum_in_order(pl.col("value"))).collect()
print(pl.thread_pool_size(), hashlib.sha256(sums["value"].to_numpy().tobytes()).hexdigest())
"""


def one_after_the_other(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    total = 0.0
    for value in known:
        total += value
    return total if known else None


_VALUES = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=40)


@given(st.lists(_VALUES, min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_a_sum_is_that_of_the_values_in_the_order_of_their_rows(groups: list[list[float | None]]) -> None:
    rows = [(number, value) for number, values in enumerate(groups) for value in values]
    frame = pl.DataFrame(rows, schema={"group": pl.Int64, "value": pl.Float64}, orient="row")
    sums = frame.group_by("group", maintain_order=True).agg(sum_in_order(pl.col("value")))
    assert sums["value"].to_list() == [one_after_the_other(values) for values in groups]


def test_a_sum_is_the_same_to_the_last_bit_on_any_number_of_threads() -> None:
    said = [
        subprocess.check_output(
            [sys.executable, "-c", SUMS], env=os.environ | {"POLARS_MAX_THREADS": str(threads)}, text=True
        ).split()
        for threads in (1, 3, 8)
    ]
    assert [int(threads) for threads, _ in said] == [1, 3, 8]
    assert len({digest for _, digest in said}) == 1


@given(st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_seconds_do_not_depend_on_other_rows_and_whole_ones_have_no_fraction(us: list[int]) -> None:
    frame = pl.DataFrame({"length": us + [1_000_000 * one for one in us if abs(one) < 10**9]}).cast(pl.Duration("us"))
    together = frame.select(seconds_of(pl.col("length")))["length"].to_list()
    alone = [frame[k : k + 1].select(seconds_of(pl.col("length"))).item() for k in range(frame.height)]
    assert together == alone
    assert together == pytest.approx([one.total_seconds() for one in frame["length"]], abs=1e-9)
    assert together[len(us) :] == [one for one in us if abs(one) < 10**9]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=30), st.integers(1, 10**10))
@settings(max_examples=50, deadline=None)
def test_a_quotient_is_that_of_its_two_numbers_also_where_every_row_is_divided_by_one(
    dividends: list[float], divisor: int
) -> None:
    divisors = pl.DataFrame({"key": [1], "divisor": [divisor]})
    frame = pl.DataFrame({"key": 1, "dividend": dividends}).join(divisors, on="key", maintain_order="left")
    found = frame.select(quotient(pl.col("dividend"), pl.col("divisor")))
    assert found.to_series().to_list() == [dividend / divisor for dividend in dividends]
