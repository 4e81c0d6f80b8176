"""Rules in the form of kernels: seconds as whole microseconds, metres as kilometres, everything else as it is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fleet_assets.core.thresholds import thresholds_of
from fleet_assets.core.track import TrackRules


@dataclass(frozen=True)
class _Rules:
    wait_s: float = 1.5
    near_m: float = 250.0
    share: float = 0.2
    rows: int = 8
    sources: tuple[str, ...] = ("can",)


@dataclass(frozen=True)
class _More:
    rows: int = 3


def test_seconds_become_microseconds_and_metres_kilometres() -> None:
    found = thresholds_of(_Rules())
    assert found.dtype.names == ("wait_us", "near_km", "share", "rows")
    assert found.tolist() == (1_500_000, 0.25, 0.2, 8)


def test_a_whole_number_given_for_a_share_makes_no_other_type() -> None:
    assert thresholds_of(_Rules(share=1, near_m=300)).dtype == thresholds_of(_Rules()).dtype


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="rows"):
        thresholds_of(_Rules(), _More())


def test_rules_of_a_track_are_one_record() -> None:
    rules = TrackRules()
    assert rules.thresholds.silence_us == 300_000_000
    assert rules.thresholds.drift_km == 0.3
    assert rules.thresholds is rules.thresholds
