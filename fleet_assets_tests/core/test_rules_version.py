"""A version of rules changes with every number of theirs, with that of their code, and with nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

from fleet_assets.core.rules_version import rules_version
from fleet_assets.core.trips import TripRules


@dataclass(frozen=True)
class Inner:
    share: float = 0.5


@dataclass(frozen=True)
class Rules:
    least_s: float = 60.0
    inner: Inner = field(default_factory=Inner)


def test_equal_rules_have_one_version_and_others_another() -> None:
    versions = [rules_version(rules, 1) for rules in (Rules(), Rules(60.0, Inner(0.5)), Rules(61.0))]
    assert versions[0] == versions[1] != versions[2]


def test_a_number_of_a_part_and_of_the_code_counts() -> None:
    told = {rules_version(Rules(), 1), rules_version(Rules(inner=Inner(0.6)), 1), rules_version(Rules(), 2)}
    assert len(told) == 3
    assert all(len(version) == 12 for version in told)


def each_number_changed(rules: Any) -> Iterator[Any]:
    """The rules with one of their numbers another, for each number, those of their parts too."""
    for name, held in ((one.name, getattr(rules, one.name)) for one in fields(rules)):
        if is_dataclass(held):
            yield from (replace(rules, **{name: part}) for part in each_number_changed(held))
        elif isinstance(held, int | float) and not isinstance(held, bool):
            yield replace(rules, **{name: held + 1})


PARTS = [one.name for one in fields(TripRules) if is_dataclass(getattr(TripRules(), one.name))]


@pytest.mark.parametrize("part", PARTS)
def test_every_number_of_a_part_of_the_rules_of_trips_counts(part: str) -> None:
    rules = TripRules()
    others = [replace(rules, **{part: held}) for held in each_number_changed(getattr(rules, part))]
    assert others
    assert len({rules.version, *(other.version for other in others)}) == len(others) + 1
