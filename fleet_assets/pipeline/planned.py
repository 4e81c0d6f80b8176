"""What was planned last, remembered with what it was planned from: most looks at an installation find nothing moved.

Belongs here: naming all that decides which days are stale, and keeping the answer for other processes. Does not belong
here: finding the stale days (`plan`).

What is named is everything that planning reads: a generation for each table of the lake, the files outside it, the
reference files, settings, the versions of tables, days that are still to be judged, and the sources of the planning
itself. An answer also ends at the instant at which the next event becomes final. The file may vanish or be damaged at
any time: then the days are looked at one by one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from fleet_assets.adapters.remembered import recall, remember
from fleet_assets.contracts import TABLES
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DUE_AT, Outside
from fleet_assets.pipeline.parsed_modules import package_folder, sources_digest
from fleet_assets.pipeline.reference import reference_inputs, reference_tables
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.pipeline.theft_promoted import is_model_stale, model_inputs

MEMORY = "planned.json"
"""File of the lake that keeps the last answer."""

KEPT_DAYS = 2_000
"""Stale days up to which an answer is kept: with more there is so much to build that planning does not count."""

Reasons = tuple[str, ...]
"""Why a day is stale, in words."""

StaleDays = dict[str, dict[date, Reasons]]
"""The stale days of each table, with the reasons."""


def what_decides(here: Installation) -> str:
    """Names all that decides which days are stale, but for the clock."""
    lake = [(name, here.lake.generation(table)) for name, table in TABLES.items()]
    settings = sorted({name for maker in DAY_TABLES.values() for name in maker.settings})
    facts = {
        "planning": _planning_version(),
        "versions": {name: maker.code_version for name, maker in DAY_TABLES.items()},
        "settings": [f"{name}={getattr(here.settings, name)}" for name in settings],
        "lake": [[name, one.number, one.made_at.isoformat()] for name, one in lake],
        "reference": [reference_inputs(here, table) for table in reference_tables()],
        "model": [model_inputs(here), is_model_stale(here)],
        "outside": dict(_outside(here)),
        "unjudged": {
            name: sorted(map(str, here.check_results.owed(maker.table))) for name, maker in DAY_TABLES.items()
        },
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _outside(here: Installation) -> Iterator[tuple[str, list[list[str]]]]:
    """What lies outside of the lake; also as the release before named it, since days of then are compared so."""
    for name, maker in DAY_TABLES.items():
        if maker.outside is not None:
            days = sorted(maker.outside.days(here))
            yield name, [[str(day), *_names(here, maker.outside, day)] for day in days]


def _names(here: Installation, outside: Outside, day: date) -> list[str]:
    return [*outside.facts(here, day), *outside.former_facts(here, day)]


@cache
def _planning_version() -> str:
    return sources_digest(package_folder(), ["pipeline", "adapters"])


def recalled(here: Installation, seen: str) -> StaleDays | None:
    """The stale days that were found when exactly this was seen; None where nobody has looked since."""
    said: Mapping[str, Any] = recall(here.lake.root / MEMORY)
    if said.get("seen") != seen or (said["until"] and datetime.fromisoformat(said["until"]) <= datetime.now(UTC)):
        return None
    return {
        name: {date.fromisoformat(day): tuple(why) for day, why in days.items()} for name, days in said["stale"].items()
    }


def remember_stale(here: Installation, seen: str, stale: StaleDays) -> None:
    """Keep the answer for other processes, where this one may write into the lake."""
    if here.lake.root.exists() and sum(map(len, stale.values())) <= KEPT_DAYS:
        days = {name: {str(day): why for day, why in found.items()} for name, found in stale.items()}
        with suppress(OSError):
            remember(here.lake.root / MEMORY, {"seen": seen, "until": _next_final(here), "stale": days})


def _next_final(here: Installation) -> str:
    """When the next event of a stored day becomes final; empty where none is under way."""
    now, found = datetime.now(UTC), []
    for maker in DAY_TABLES.values():
        notes = (record.notes for record in here.lake.generation(maker.table).records.values())
        found += [str(note[DUE_AT]) for note in notes if DUE_AT in note]
    return min((at for at in found if datetime.fromisoformat(at) > now), key=datetime.fromisoformat, default="")
