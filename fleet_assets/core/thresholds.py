"""Thresholds: rules in the form in which compiled kernels take them.

Belongs here: the conversion of units. Does not belong here: rules, which stand beside the code that applies them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

MICROS = 1_000_000
"""us in a second."""

HOUR_US = 3600 * MICROS
"""us in an hour."""

Thresholds = np.record
"""Rules as one record: times in microseconds, lengths in kilometres.

A kernel takes a record as one pointer. Of a tuple of as many numbers each helper would take every one as a parameter of
its own, and compilation would last a sixth longer.
"""


def thresholds_of(*rules: Any) -> Thresholds:
    """The numbers of rules (dataclasses) as one record: seconds (`..._s`) as whole microseconds (`..._us`), metres
    (`..._m`) as kilometres (`..._km`), all others under their own name. What is no number is left out.

    Raises ValueError where two of the rules have a field of one name.
    """
    numbers = [number for each in rules for number in _numbers(each)]
    kinds = np.dtype([(name, np.int64 if isinstance(value, int) else np.float64) for name, value in numbers])
    array = np.array([tuple(value for _, value in numbers)], dtype=kinds)
    record: Thresholds = array.view(np.recarray)[0]
    return record


def micros(seconds: float) -> int:
    """Whole microseconds of a number of seconds."""
    return round(seconds * MICROS)


def _numbers(rules: Any) -> Iterator[tuple[str, float]]:
    """Names and values; the type is that of the field, so that a whole number given for a share stays a share."""
    for field in fields(rules):
        name, value = field.name, getattr(rules, field.name)
        if not isinstance(value, (int, float)):
            continue
        if name.endswith("_s"):
            yield f"{name[:-2]}_us", micros(value)
        elif name.endswith("_m"):
            yield f"{name[:-2]}_km", value / 1000
        else:
            yield name, value if field.type in (int, "int") else float(value)
