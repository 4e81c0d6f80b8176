"""Columns of entry_id are what Python writes one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.adapters.entry_ids import entry_ids


@given(st.text(min_size=1, max_size=8), st.lists(st.integers(0, 10**12 - 1), max_size=20))
def test_ids_are_prefix_and_number_with_leading_zeros(prefix: str, numbers: list[int]) -> None:
    column = entry_ids(prefix, (np.array(numbers, dtype=np.int64), 12))
    assert column.to_list() == [f"{prefix}-{number:012d}" for number in numbers]


@pytest.mark.parametrize("digits", [1, 6, 10, 13])
def test_ids_have_as_many_digits_as_are_asked(digits: int) -> None:
    numbers = np.array([0, 1, 10**digits - 1])
    assert entry_ids("a", (numbers, digits)).to_list() == [f"a-{number:0{digits}d}" for number in numbers.tolist()]


def test_several_numbers_have_dashes_between_and_nothing_in_front_of_them() -> None:
    assert entry_ids("", (np.array([17, 18]), 4), (np.array([3, 0]), 2)).to_list() == ["0017-03", "0018-00"]
