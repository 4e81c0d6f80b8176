"""The gap ledger: a gap has one id however often it is noted, and lands on the day on which it began."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.gap_ledger import SOURCE, Gap, gap_rows
from fleet_assets.adapters.landing import Landing
from fleet_assets.commands.build import build_now
from fleet_assets.contracts import INGEST_GAPS
from fleet_assets.core.raw import deduplicate
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.fixtures.drives import at

GAP = Gap("can", at("2026-03-01 23:59"), at("2026-03-02 00:10"), "spool_full", "shed", "van-1", "can0", 7)
UNKNOWN = Gap("can", at("2026-03-02 08:00"), at("2026-03-02 09:00"), "scanner_down", "nobody read the bus")
NOTED = at("2026-03-02 12:00")


def test_a_gap_noted_twice_is_one_row_and_the_first_note_counts() -> None:
    later = NOTED + timedelta(hours=1)
    noted = pl.concat([gap_rows([GAP, UNKNOWN], later), gap_rows([UNKNOWN, GAP], NOTED)])
    assert_frame_equal(deduplicate(noted, INGEST_GAPS), gap_rows([GAP, UNKNOWN], NOTED))


def test_whatever_differs_makes_another_gap() -> None:
    others = [Gap(**(vars(GAP) | change)) for change in ({"bus": "can1"}, {"missing_count": 8}, {"vehicle_id": None})]
    assert len({gap.gap_id for gap in [GAP, *others]}) == 4


def test_no_gaps_are_no_rows() -> None:
    assert_frame_equal(gap_rows([], NOTED), INGEST_GAPS.empty())


@pytest.mark.slow
def test_landed_gaps_become_partitions_of_the_days_on_which_they_began(installation: Installation) -> None:
    Landing(installation.settings.landing).append(SOURCE, gap_rows([GAP, UNKNOWN], NOTED), "scan")
    Landing(installation.settings.landing).append(SOURCE, gap_rows([GAP], NOTED), "again")
    report = build_now(installation, BuildRequest(select="ingest_gaps"))
    assert (report.failed_checks, report.days) == ([], [at("2026-03-01 00:00").date(), at("2026-03-02 00:00").date()])
    assert_frame_equal(installation.lake.scan(INGEST_GAPS).collect(), gap_rows([GAP, UNKNOWN], NOTED))
