"""The proof of exactly once, at the size of the suite."""

from __future__ import annotations

from fleet_assets_tests.proofs import exactly_once
from fleet_assets_tests.proofs.outcome import Strength


def test_each_frame_is_there_once_or_named_by_the_ledger() -> None:
    outcomes = list(exactly_once.prove(Strength.QUICK, lambda _text: None))
    assert [line for line in outcomes if not line.held] == []
    assert len(outcomes) == 6
