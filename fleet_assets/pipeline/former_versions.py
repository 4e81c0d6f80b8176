"""Partitions of an earlier release: what their records say is compared as that release would have said it.

A new way to name a partition's inputs would make every stored day stale. The code that made these days gives the rows
that the present code gives, so a day whose inputs are those of then is current.

Belongs here: the fingerprint of the release before tables had versions of their own. Does not belong here: the present
one (`day_tables`).
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from fleet_assets.installation import Installation

if TYPE_CHECKING:
    from fleet_assets.pipeline.day_tables import DayTable

_RAW, _TELEMETRY, _EVENTS, _INGEST = "50d56e04b8fd", "26c9ea767dd2", "79ab921af5e9", "ee035814fed1"
_VERSIONS = {
    "raw_can": _RAW, "raw_telemetry": _RAW, "ingest_gaps": _RAW, "telemetry": _TELEMETRY, "can_signals": _TELEMETRY,
    "last_readings": _EVENTS, "readings_before_silence": _EVENTS, "stops": _EVENTS, "ingest_hourly": _INGEST,
    "ingest_quarantined": _INGEST, "ingest_outages": _INGEST,
}  # fmt: skip
"""Code version by which that release made each table; of those that are made otherwise since (`trips`,
`standing_periods`, `ingest_daily`) nothing is current."""

FORMER_REFERENCE_VERSION = "927558a3b5ad"
"""The same of the code that reads reference files."""


def former_fingerprint(maker: DayTable, installation: Installation, day: date) -> str | None:
    """What that release would have noted as the inputs of a day made from what is there now; None where it made other
    rows of them."""
    if maker.table.name not in _VERSIONS:
        return None
    facts: list[Any] = [maker.table.name, _VERSIONS[maker.table.name], *_outside(maker, installation, day)]
    for table in maker.inputs:
        facts += maker.contents_read(installation, day, table)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _outside(maker: DayTable, installation: Installation, day: date) -> list[str]:
    """What decided a day's rows and was not in the lake."""
    stated = [f"{name}={getattr(installation.settings, name)}" for name in maker.settings]
    return stated + (list(maker.outside.former_facts(installation, day)) if maker.outside else [])
