"""What a late row rewrites, counted against the rule of docs/architecture.md.

Belongs here: the rule once more, written down independently of the contracts, and its trial.
"""

from __future__ import annotations

import shutil
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

import polars as pl

from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.proofs.histories.lakes import Partition, Rewritten, contents, new_installation, store
from fleet_assets_tests.proofs.histories.weeks import Week
from fleet_assets_tests.proofs.outcome import Outcome

READS = {
    "telemetry": ("raw_can", "raw_telemetry"), "can_signals": ("raw_can",), "last_readings": ("telemetry",),
    "readings_before_silence": ("last_readings",), "rises_over_midnight": ("last_readings",),
    "hourly_use": ("telemetry", "rises_over_midnight"), "engine_starts": ("telemetry",),
    "soc_transitions": ("engine_starts", "trips"),
    "trips": ("telemetry", "readings_before_silence", "fuel_balance"), "standing_periods": ("telemetry",),
    "stops": ("trips", "standing_periods", "fuel_events", "power_sessions"),
    "ingest_daily": ("raw_can", "raw_telemetry"), "ingest_hourly": ("raw_can", "raw_telemetry"),
    "ingest_outages": ("ingest_hourly",), "charging_periods": ("telemetry",), "power_sessions": ("charging_periods",),
    "charging_sessions": ("charging_periods",), "charging_hours": ("charging_periods",),
    "fuel_plateaus": ("telemetry",), "fuel_balance": ("fuel_plateaus",),
    "fuel_events": ("fuel_balance", "ingest_outages"), "theft_candidates": ("fuel_balance", "ingest_outages"),
    "theft_scores": ("theft_candidates",), "alarms": ("theft_scores", "theft_candidates", "fuel_balance"),
}  # fmt: skip
LOOK_BACK_DAYS = {
    "readings_before_silence": 31,
    "rises_over_midnight": 31,
    "trips": 1,
    "stops": 31,
    "ingest_outages": 15,
    "engine_starts": 1,
    "soc_transitions": 2,
    "power_sessions": 31,
    "charging_sessions": 31,
    "charging_hours": 31,
    "fuel_balance": 31,
    "fuel_events": 31,
    "theft_candidates": 31,
    "alarms": 14,
}
"""Days before its own that a table reads; the others read none."""
OWN_DAY = {("trips", "readings_before_silence")}
"""Inputs of which a table reads its own day alone."""
DECODED = ("telemetry", "can_signals")
MESSAGE_REACH = timedelta(seconds=90)
NIGHT = time(23, 58, 30)
"""A row this near before midnight also reaches what is decoded on the next day."""


def late_rows(week: Week, home: Path, count: int) -> Outcome:
    """Hold back some rows, build, let them come one after the other, and count what each build computed and changed."""
    held = _held_back(week, count)
    installation = new_installation(home)
    shutil.copytree(week.reference, installation.settings.reference)
    for source, rows in week.raw.items():
        late = pl.concat(row for where, row in held if where == source)
        installation.landing.append(source, rows.join(late, on="entry_id", how="anti", maintain_order="left"), "first")
    store(installation, BuildRequest())
    wrong, computed, changed = [], 0, 0
    for number, (source, row) in enumerate(held):
        found, problems = _comes_late(installation, source, row, f"late-{number}")
        computed, changed = computed + len(found.computed), changed + len(found.changed)
        wrong += problems
    tried = f"{len(held)} late rows, each followed by a build; {len(contents(installation))} partitions stored"
    seen = f"{computed} partitions computed, as the rule says, {changed} of them changed, all others untouched"
    return Outcome("a late row rewrites its day and the look-backs", tried, not wrong, "; ".join(wrong[:3]) or seen)


def _held_back(week: Week, count: int) -> list[tuple[str, pl.DataFrame]]:
    """Single rows with their source: half of CAN, a quarter of telemetry, a quarter of the end of a day."""
    random = Random(week.name)
    can, spoken = week.raw["can"], week.raw["telemetry"]
    night = can.filter(pl.col("recorded_at").dt.time() >= NIGHT)
    shares = [("can", can, count - 2 * (count // 4)), ("telemetry", spoken, count // 4), ("can", night, count // 4)]
    rows = [
        (source, rows[place]) for source, rows, share in shares for place in random.sample(range(rows.height), share)
    ]
    unique = {(source, row["entry_id"].item()): (source, row) for source, row in rows}
    return random.sample([*unique.values()], len(unique))


def _comes_late(installation: Installation, source: str, row: pl.DataFrame, name: str) -> tuple[Rewritten, list[str]]:
    """What the build after one late row did, and sentences on what it should not have done or left undone."""
    before, touched = contents(installation), _times(installation)
    installation.landing.append(source, row, name)
    found = store(installation, BuildRequest())
    after = contents(installation)
    instant: datetime = row["recorded_at"].item()
    expected = _by_rule(f"raw_{source}", instant, found.changed)
    moved = frozenset(key for key in after.keys() | before.keys() if after.get(key) != before.get(key))
    renewed = {path for path, time in _times(installation).items() if touched.get(path) != time}
    problems = []
    # Days to which nothing reaches yet are not made: the stops of next week have no trip to end with.
    missed = {key for key in expected if key in before} - found.computed
    if missed or not found.computed <= expected:
        problems.append(f"{instant}: computed {sorted(found.computed - expected | missed)[:4]} against the rule")
    if moved != found.changed or len(renewed) != len(found.changed):
        problems.append(f"{instant}: {len(renewed)} files were replaced, {len(moved)} contents differ")
    if not moved <= _reached(instant.date()):
        problems.append(f"{instant}: {sorted(moved - _reached(instant.date()))[:4]} lie beyond the look-backs")
    return found, problems


def _by_rule(raw: str, instant: datetime, changed: frozenset[Partition]) -> frozenset[Partition]:
    """The partitions that have a changed partition in their look-back, and the raw one."""
    found = {(raw, str(instant.date()))}
    for table, inputs in READS.items():
        for name, text in changed:
            if name not in inputs:
                continue
            day = date.fromisoformat(text)
            is_near_midnight = (instant + MESSAGE_REACH).date() > instant.date()
            reach = int(is_near_midnight) if table in DECODED else LOOK_BACK_DAYS.get(table, 0)
            reach = 0 if (table, name) in OWN_DAY else reach
            found |= {(table, str(day + timedelta(days=later))) for later in range(reach + 1)}
    return frozenset(found)


REACHED_DAYS = {
    "raw_can": 0, "raw_telemetry": 0, "telemetry": 1, "can_signals": 1, "last_readings": 1,
    "readings_before_silence": 32, "rises_over_midnight": 32, "hourly_use": 32, "engine_starts": 2,
    "soc_transitions": 36, "standing_periods": 1,
    "trips": 33, "stops": 94,
    "ingest_daily": 0, "ingest_hourly": 0, "ingest_outages": 15, "charging_periods": 1, "power_sessions": 32,
    "charging_sessions": 32, "charging_hours": 32, "fuel_plateaus": 1, "fuel_balance": 32, "fuel_events": 63,
    "theft_candidates": 63, "theft_scores": 63, "alarms": 77,
}  # fmt: skip


def _reached(day: date) -> frozenset[Partition]:
    """All that a row of this day may change: what was driven in a silence of up to 31 days after it; what is learnt of
    a tank, an event that is compared with it, and a stop in which that happened, for 31 days each; one more near
    midnight."""
    return frozenset(
        (name, str(day + timedelta(days=later))) for name, reach in REACHED_DAYS.items() for later in range(reach + 1)
    )


def _times(installation: Installation) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in Path(installation.settings.lake).glob("*/date=*/*.parquet")}
