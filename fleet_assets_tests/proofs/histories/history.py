"""One random history, from the first arrival to the last build.

Belongs here: builds between arrivals and reference files that change on the way. Does not belong here: comparing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import polars as pl

from fleet_assets.contracts import (
    ALARMS,
    CHARGING_HOURS,
    CHARGING_PERIODS,
    CHARGING_SESSIONS,
    ENGINE_STARTS,
    FUEL_BALANCE,
    FUEL_EVENTS,
    FUEL_PLATEAUS,
    HOURLY_USE,
    POWER_SESSIONS,
    RAW_CAN,
    RAW_TELEMETRY,
    RISES_OVER_MIDNIGHT,
    SOC_TRANSITIONS,
    STANDING_PERIODS,
    STOPS,
    TELEMETRY,
    THEFT_CANDIDATES,
    THEFT_SCORES,
    TRIPS,
)
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.proofs.histories.arrivals import arrivals, batches, land
from fleet_assets_tests.proofs.histories.weeks import Week

DAILY = [
    table.name
    for table in (
        RAW_CAN, RAW_TELEMETRY, TELEMETRY, TRIPS, STANDING_PERIODS, STOPS, HOURLY_USE, RISES_OVER_MIDNIGHT,
        ENGINE_STARTS, SOC_TRANSITIONS, CHARGING_PERIODS, POWER_SESSIONS, CHARGING_SESSIONS, CHARGING_HOURS,
        FUEL_PLATEAUS, FUEL_BALANCE, FUEL_EVENTS, THEFT_CANDIDATES, THEFT_SCORES, ALARMS,
    )
]  # fmt: skip

Build = Callable[[Installation, BuildRequest, frozenset[str]], object]


@dataclass(frozen=True)
class Told:
    """What happened in a history, for the counts."""

    batches: int
    pieces: int
    builds: int
    reference_changes: int


def live_through(week: Week, installation: Installation, random: Random, build: Build, tables: frozenset[str]) -> Told:
    """Let the week arrive at random with builds in between, and build what is stale at the end."""
    pieces = arrivals(week, random)
    parts = batches(pieces, random)
    wrong_until = _begin_reference(week, installation, random, len(parts))
    builds = 0
    for number, part in enumerate(parts):
        if number == wrong_until:
            _copy_reference(week.reference, installation)
        land(installation.landing, part, f"batch-{number}", random)
        if number < len(parts) - 1:
            for _ in range(random.randrange(1, 3)):
                build(installation, *_some_build(week, random, tables))
                builds += 1
    if wrong_until == len(parts):
        _copy_reference(week.reference, installation)
    build(installation, BuildRequest(), tables)
    return Told(len(parts), len(pieces), builds + 1, int(wrong_until > 0))


def _some_build(week: Week, random: Random, tables: frozenset[str]) -> tuple[BuildRequest, frozenset[str]]:
    """Everything, some tables, some days, or all of it whether stale or not."""
    some = frozenset(random.sample(DAILY, random.randrange(1, 10))) | (tables - {*DAILY})
    names = tables if random.random() < 0.5 else some
    first = random.choice(week.days)
    last = first + timedelta(days=random.randrange(4))
    has_range = random.random() < 0.4
    request = BuildRequest(first if has_range else None, last if has_range else None, full=random.random() < 0.15)
    return request, names


def _begin_reference(week: Week, installation: Installation, random: Random, parts: int) -> int:
    """Reference files as they shall be, or wrong ones for some time: how many batches arrive before they are mended."""
    _copy_reference(week.reference, installation)
    if random.random() < 0.5 or not (week.reference / "vehicles.csv").exists():
        return 0
    _falsify(installation.reference.root, random)
    return random.randrange(1, parts + 1)


def _copy_reference(source: Path, installation: Installation) -> None:
    shutil.rmtree(installation.reference.root, ignore_errors=True)
    shutil.copytree(source, installation.reference.root)


def _falsify(root: Path, random: Random) -> None:
    """A zone that is another, a DBC with a wrong factor, a driver or a binding that is not known yet, wrong prices,
    tanks that are too small, curves of tanks that are not known yet."""
    wrong: dict[str, Callable[[Path], None]] = {
        "vehicles.csv": random.choice([_elsewhere, _in_small_tanks]), "dbc/long.dbc": _scaled,
        "driver_assignments.csv": _halved, "dbc_bindings.csv": _halved, "energy_prices.csv": _dearer,
        "tank_calibrations.csv": _halved,
    }  # fmt: skip
    name = random.choice([name for name in wrong if (root / name).exists()])
    wrong[name](root / name)


def _elsewhere(file: Path) -> None:
    pl.read_csv(file, infer_schema=False).with_columns(pl.lit("Pacific/Auckland").alias("timezone")).write_csv(file)


def _in_small_tanks(file: Path) -> None:
    rows = pl.read_csv(file, infer_schema=False)
    small = pl.when(pl.col("tank_capacity_l").is_not_null()).then(pl.lit("90.0")).alias("tank_capacity_l")
    rows.with_columns(small).write_csv(file)


def _dearer(file: Path) -> None:
    rows = pl.read_csv(file, infer_schema=False)
    rows.with_columns((pl.col("price").cast(pl.Float64) * 2).cast(pl.String)).write_csv(file)


def _scaled(file: Path) -> None:
    file.write_text(file.read_text().replace("(0.125,0)", "(0.25,0)"))


def _halved(file: Path) -> None:
    rows = pl.read_csv(file, infer_schema=False)
    rows.head(rows.height // 2).write_csv(file)
