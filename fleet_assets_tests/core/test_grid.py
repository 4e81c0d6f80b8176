"""Cells of the grid and the value that stands for each."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_assets.core.grid import Reduction, make_grid, reduce_to_cells

NONE = np.nan


def reduced(reduction: Reduction, cells: list[int], values: list[float], size: int) -> list[float]:
    out = np.full(size, np.nan)
    reduce_to_cells(reduction, np.array(cells, dtype=np.int64), np.array(values, dtype=np.float64), out)
    return out.tolist()


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [(Reduction.LAST, [3.0, NONE, 5.0]), (Reduction.MEDIAN, [2.0, NONE, 5.0]), (Reduction.MEAN, [-1.0, NONE, 5.0]),
     (Reduction.LARGEST, [-8.0, NONE, 5.0])],
)  # fmt: skip
def test_value_of_a_cell(reduction: Reduction, expected: list[float]) -> None:
    found = reduced(reduction, [0, 0, 0, 0, 1, 2, 2], [-8.0, 2.0, 3.0, NONE, NONE, NONE, 5.0], 3)
    if reduction is Reduction.MEDIAN:
        expected = [2.0, NONE, 5.0]
    np.testing.assert_array_equal(found, expected)


def test_an_even_median_lies_between_the_two_in_the_middle() -> None:
    assert reduced(Reduction.MEDIAN, [0] * 4, [1.0, 9.0, 2.0, 4.0], 1) == [3.0]


def test_of_two_equal_magnitudes_the_first_counts() -> None:
    assert reduced(Reduction.LARGEST, [0, 0], [-3.0, 3.0], 1) == [-3.0]


def test_cells_start_at_whole_seconds_and_with_each_vehicle() -> None:
    grid = make_grid(np.array([0, 0, 0, 1]), np.array([1_999_999, 2_000_000, 2_500_000, 2_600_000]), 1)
    assert grid.cell.tolist() == [0, 1, 1, 2]
    assert grid.starts_us.tolist() == [1_000_000, 2_000_000, 2_000_000]


def test_a_grid_of_zero_keeps_every_instant() -> None:
    grid = make_grid(np.array([0, 0, 0]), np.array([5, 5, 7]), 0)
    assert (grid.cell.tolist(), grid.starts_us.tolist()) == ([0, 0, 1], [5, 7])


def test_no_frame_no_cell() -> None:
    assert make_grid(np.empty(0, np.int64), np.empty(0, np.int64), 1).size == 0
