"""Candidates of small histories of tanks, and small frames of events and truths, for tests.

Belongs here: the way from telemetry to candidates, and building frames. Does not belong here: expectations.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from fleet_assets.contracts import INGEST_OUTAGES, TIMESTAMP, ZONES, check_frame
from fleet_assets.contracts.theft import THEFT_CANDIDATES
from fleet_assets.core.theft import TheftRules, theft_candidates
from fleet_assets.core.theft.baselines.readings import SCORED, readings_of
from fleet_assets.core.theft.truth import Truth
from fleet_assets.core.window import Window
from fleet_assets_tests.core.fuel.tanks import balance_of, fleet, window_of

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
UNTIL = NOON + timedelta(days=30)

_TRUE = pl.Schema({
    "vehicle_id": pl.String(), "kind": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP,
    "volume": pl.Float64(),
})  # fmt: skip


def candidates_in(
    balance: pl.DataFrame, window: Window, vehicles: pl.DataFrame | None = None, outages: pl.DataFrame | None = None,
    zones: pl.DataFrame | None = None, rules: TheftRules | None = None,
) -> pl.DataFrame:  # fmt: skip
    found = theft_candidates(
        balance.lazy(), (INGEST_OUTAGES.empty() if outages is None else outages).lazy(),
        (fleet() if vehicles is None else vehicles).lazy(), (ZONES.empty() if zones is None else zones).lazy(), window,
        rules,
    ).collect()  # fmt: skip
    check_frame(THEFT_CANDIDATES, found)
    return found


def candidates_of(
    telemetry: pl.DataFrame, vehicles: pl.DataFrame | None = None, outages: pl.DataFrame | None = None,
    zones: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Candidates of all days of some telemetry."""
    return candidates_in(balance_of(telemetry, vehicles), window_of(telemetry), vehicles, outages, zones)


def readings(telemetry: pl.DataFrame, capacity_l: float = 400.0) -> pl.DataFrame:
    """Readings of tanks of one size, in UTC."""
    names = telemetry["vehicle_id"].unique()
    tanks = pl.DataFrame({"vehicle_id": names}).with_columns(
        tank_l=pl.lit(capacity_l), tank_2_l=pl.lit(None, pl.Float64), timezone=pl.lit("UTC")
    )
    return readings_of(telemetry, tanks)


def scored(*rows: tuple[str, float, float, float, float]) -> pl.DataFrame:
    """Found events: vehicle, minutes after noon of start and end, litres, score."""
    found = [(name, _at(a), _at(b), litres, score) for name, a, b, litres, score in rows]
    return pl.DataFrame(found, schema=SCORED, orient="row")


def true_events(*rows: tuple[str, str, float, float, float]) -> pl.DataFrame:
    """True events: vehicle, kind, minutes after noon of start and end, litres."""
    found = [(name, kind, _at(a), _at(b), litres) for name, kind, a, b, litres in rows]
    return pl.DataFrame(found, schema=_TRUE, orient="row")


def thefts(*rows: tuple[str, float, float, float], snr: float = 10.0, is_masked: bool = False) -> pl.DataFrame:
    """True thefts that can be seen, if nothing else is said: vehicle, minutes of start and end, litres."""
    named = true_events(*((name, "theft", a, b, litres) for name, a, b, litres in rows))
    return named.with_columns(
        snr=pl.lit(snr), is_masked=pl.lit(is_masked), reports_while_off=pl.lit(True), has_counter=pl.lit(False),
        gap_s=pl.lit(60.0), sender=pl.lit("level_only"), bound=pl.lit(1.0),
    )  # fmt: skip


def truth(
    true: pl.DataFrame | None = None, losses: pl.DataFrame | None = None, others: pl.DataFrame | None = None,
    months: float = 10.0,
) -> Truth:  # fmt: skip
    empty = true_events()
    return Truth(
        thefts=thefts() if true is None else true, losses=empty if losses is None else losses,
        others=(empty if others is None else others).drop("volume"), vehicle_months=months, until=UNTIL,
    )  # fmt: skip


def _at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)
