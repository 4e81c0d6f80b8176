"""`fleet review`: what there is to be judged, and what a person says of it.

Belongs here: the list, and writing one review. Does not belong here: which cases there are (`pipeline.theft_cases`),
which review counts (`core.theft.labels`).
"""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import polars as pl

from fleet_assets.collector.console import Console
from fleet_assets.commands.query import FORMATS
from fleet_assets.contracts import THEFT_REVIEWS
from fleet_assets.contracts.errors import UsageError
from fleet_assets.contracts.reference import REVIEW_REASONS
from fleet_assets.core.theft.cases import to_review
from fleet_assets.core.us_units import in_us_units
from fleet_assets.installation import Installation
from fleet_assets.pipeline.theft_cases import all_cases
from fleet_assets.wording import counted, or_meant


def run_list(installation: Installation, vehicle: str, limit: int, *, is_with_reviewed: bool) -> None:
    """Print cases to be reviewed; raises UsageError, with close names, for a vehicle that has no case."""
    found = all_cases(installation)
    if vehicle and vehicle not in (known := found["vehicle_id"].unique().sort().to_list()):
        raise UsageError(f"nothing happened to a tank of vehicle {vehicle!r}{or_meant(vehicle, known)}")
    of_vehicle = found.filter(pl.col("vehicle_id") == vehicle) if vehicle else found
    rows = to_review(of_vehicle, is_with_reviewed=is_with_reviewed)
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    if rows.is_empty():
        reviewed = of_vehicle["verdict"].count()
        console.print(f"Nothing is left to review; {counted(reviewed, 'case')} reviewed so far (--all shows them)")
        return
    sys.stdout.buffer.write(FORMATS["table"](_shown(installation, rows.head(limit))))
    sys.stdout.buffer.flush()
    more = f"; {rows.height - limit:,} more with --limit" if rows.height > limit else ""
    console.print(f"{counted(rows.height, 'case')} to look at{more}. `fleet explain EVENT` says why it is one")


def _shown(installation: Installation, rows: pl.DataFrame) -> pl.DataFrame:
    """When, which vehicle, how much, where, how probable, and what is said of it so far."""
    spot = pl.format("{}, {}", pl.col("latitude_deg").round(4), pl.col("longitude_deg").round(4))
    shown = rows.select(
        "event_id", "vehicle_id", pl.col("started_at").dt.strftime("%Y-%m-%d %H:%M UTC").alias("from"),
        pl.coalesce("kind", "how").alias("kind"), pl.col("volume_l").round(1),
        pl.coalesce("share_pct", pl.col("change_pct").abs()).round(1).alias("tank_pct"),
        pl.coalesce("zone_id", spot).alias("place"), pl.col("probability").round(3), "verdict", "reason",
    )  # fmt: skip
    return in_us_units(shown) if installation.settings.units == "us" else shown


def run_review(installation: Installation, event_id: str, verdict: str, reason: str, said: tuple[str, str]) -> None:
    """Write one review (`said`: note, reviewer) and say what follows.

    Raises UsageError, with close ids, for an event that there is not, and for a reason that is none of the verdict.
    """
    if reason not in REVIEW_REASONS[verdict]:
        raise UsageError(f"--reason {reason} is not one of {', '.join(REVIEW_REASONS[verdict])}"
                         f"{or_meant(reason, REVIEW_REASONS[verdict])}")  # fmt: skip
    case = the_case(all_cases(installation), event_id)
    now, (note, reviewer) = datetime.now(UTC), said
    row = {
        "review_id": f"{now:%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}", "vehicle_id": case["vehicle_id"],
        "event_started_at": case["started_at"], "event_ended_at": case["ended_at"], "event_id": case["event_id"],
        "verdict": verdict, "reason": reason, "note": note or None, "reviewed_at": now,
        "reviewer": reviewer or getpass.getuser(),
    }  # fmt: skip
    installation.reference.add_review(pl.DataFrame([row], schema=THEFT_REVIEWS.schema))
    before = f"; before: {case['verdict']}, {case['reason']}" if case["verdict"] else ""
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(
        f"{case['vehicle_id']}, {case['started_at']:%Y-%m-%d %H:%M} UTC: {verdict}, {reason}{before}. "
        f"`fleet build` puts it into the tables and the next training"
    )


def the_case(found: pl.DataFrame, event_id: str) -> dict[str, Any]:
    """The case of an id; raises UsageError, with close ids, where there is none."""
    rows = found.filter(pl.col("event_id") == event_id)
    if rows.is_empty():
        known = found["event_id"].to_list()
        held = or_meant(event_id, known) or ("" if known else "; there are no fuel events yet: run `fleet build`")
        raise UsageError(f"there is no event {event_id!r}{held}")
    return rows.row(0, named=True)
