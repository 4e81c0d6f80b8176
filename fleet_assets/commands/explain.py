"""`fleet explain`: why something happened to a tank, in sentences, and the level around it as a picture.

Belongs here: which days are drawn, printing. Does not belong here: the words (`core.theft.explanation`) and what is
drawn (`pictures.fuel`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.privacy import as_the_person_set
from fleet_assets.collector.console import Console
from fleet_assets.commands.plot import View
from fleet_assets.commands.review import the_case
from fleet_assets.installation import Installation
from fleet_assets.pictures.canvas import LARGE
from fleet_assets.pictures.fuel import fuel_picture, with_case
from fleet_assets.pipeline.theft_cases import all_cases, explanation
from fleet_assets.read import Fleet

AROUND = timedelta(days=1)
"""What is drawn before and after it."""


def run_explain(installation: Installation, event_id: str, output: Path | None) -> None:
    """Print the sentences and, where a file is asked for, draw; raises UsageError for an event that there is not."""
    case = the_case(all_cases(installation), event_id)
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for sentence in explanation(installation, case, is_us=installation.settings.units == "us"):
        console.print(sentence)
    if output:
        picture = _drawn(installation, case)
        with as_the_person_set():
            replace_file(output, picture)
        console.print(f"Wrote {output}")


def _drawn(installation: Installation, case: Mapping[str, Any]) -> bytes:
    first, last = (case["started_at"] - AROUND).date(), (case["ended_at"] + AROUND).date()
    view = View(Fleet(installation.settings.root), case["vehicle_id"], first, last)
    events = with_case(view.rows("fuel_events"), case)
    levels = view.told("fuel_level_pct", "fuel_level_l")
    return fuel_picture(view.vehicle, view.zone, view.rows("fuel_plateaus"), events, levels, LARGE)
