"""What a source's reduction gives: its rows, and what a person should know of how they came about.

Does not belong here: any reduction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Reduced:
    """`rows` of the table that is filled (columns it lacks are null); `nulled`: column, reason, count of values that
    are none; `notes` are kept with the day, under names that no other source uses."""

    rows: pl.LazyFrame
    nulled: Sequence[Mapping[str, Any]] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
