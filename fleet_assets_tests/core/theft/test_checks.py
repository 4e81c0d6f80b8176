"""What must hold of stored candidates is noticed where it does not."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fleet_assets.core.theft.checks import order_sentences
from fleet_assets_tests.core.theft.cases import NOON


def _candidate(minutes: tuple[float, float, float]) -> pl.LazyFrame:
    begins, ends, final = (NOON + timedelta(minutes=one) for one in minutes)
    return pl.LazyFrame(
        {"vehicle_id": ["van"], "kind": ["fall"], "started_at": [begins], "ended_at": [ends], "closed_at": [final]}
    )


def test_a_candidate_that_is_final_before_its_end_is_told() -> None:
    assert order_sentences(_candidate((0, 10, 10))) == []
    assert len(order_sentences(_candidate((0, 10, 9)))) == 1
    assert len(order_sentences(_candidate((10, 10, 20)))) == 1
