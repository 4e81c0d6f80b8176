"""The proof that damage is noticed and mended, at the size of the suite."""

from __future__ import annotations

from fleet_assets_tests.proofs import damage
from fleet_assets_tests.proofs.outcome import Strength


def test_damaged_files_are_named_and_made_anew_to_the_same_bytes() -> None:
    outcomes = list(damage.prove(Strength.QUICK, lambda _text: None))
    assert [line for line in outcomes if not line.held] == []
    assert len(outcomes) == 4
