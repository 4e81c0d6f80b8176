"""The proof that one wrong entry stops nobody, at the size of the suite."""

from __future__ import annotations

from fleet_assets_tests.proofs import wild_stream
from fleet_assets_tests.proofs.outcome import Strength


def test_whatever_an_entry_holds_the_worker_goes_on() -> None:
    outcomes = list(wild_stream.prove(Strength.QUICK, lambda _text: None))
    assert [line for line in outcomes if not line.held] == []
    assert len(outcomes) == 3
