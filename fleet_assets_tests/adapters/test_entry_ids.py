"""Columns of entry_id are what Python writes one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.adapters.entry_ids import MOST_DIGITS, entry_ids


@given(st.text(max_size=8), st.lists(st.integers(0, 10**MOST_DIGITS - 1), max_size=20))
def test_ids_are_prefix_and_number_with_leading_zeros(prefix: str, numbers: list[int]) -> None:
    column = entry_ids(prefix, np.array(numbers, dtype=np.int64), MOST_DIGITS)
    assert column.to_list() == [f"{prefix}-{number:0{MOST_DIGITS}d}" for number in numbers]


@pytest.mark.parametrize("digits", [1, 6, 10])
def test_ids_have_as_many_digits_as_are_asked(digits: int) -> None:
    numbers = np.array([0, 1, 10**digits - 1])
    assert entry_ids("a", numbers, digits).to_list() == [f"a-{number:0{digits}d}" for number in numbers.tolist()]
