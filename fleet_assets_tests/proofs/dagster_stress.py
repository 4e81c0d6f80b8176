"""Dagster under stress: its failure modes cost time, never a day, a row or a whole file."""

from __future__ import annotations

from collections.abc import Iterator

from fleet_assets_tests.proofs.killed_writes import prove_writes
from fleet_assets_tests.proofs.outcome import Outcome, Say, Strength
from fleet_assets_tests.proofs.stressed_daemon import prove_daemon
from fleet_assets_tests.proofs.year_backfill import prove_backfill

TITLE = "Dagster's failure modes cost nothing"


def prove(strength: Strength, say: Say) -> Iterator[Outcome]:
    """The suite kills writers of partitions; at full strength daemons, runs and builds are killed too."""
    yield from prove_writes(strength, say)
    yield from prove_daemon(strength, say)
    yield from prove_backfill(strength, say)
