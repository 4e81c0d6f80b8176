"""The suite's share of the proof that Dagster's failure modes cost nothing."""

from __future__ import annotations

from fleet_assets_tests.proofs import dagster_stress
from fleet_assets_tests.proofs.outcome import Strength


def test_killed_and_concurrent_writers_leave_whole_and_true_partitions() -> None:
    outcomes = [*dagster_stress.prove(Strength.QUICK, lambda _: None)]
    assert [line for line in outcomes if not line.held] == []
    assert len(outcomes) >= 3
