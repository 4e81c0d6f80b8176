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

_RAW, _TELEMETRY, _INGEST = "50d56e04b8fd", "26c9ea767dd2", "ee035814fed1"
_VERSIONS = {
    "raw_can": _RAW, "ingest_gaps": _RAW, "can_signals": _TELEMETRY, "ingest_hourly": _INGEST,
    "ingest_quarantined": _INGEST, "ingest_outages": _INGEST,
}  # fmt: skip
"""Code version by which that release made each table; of those that are made otherwise since, or have other columns
(`telemetry` and all that is made of it), nothing is current."""

FORMER_REFERENCE_VERSION = "927558a3b5ad"
"""The same of the code that reads reference files."""

EQUAL_CODE: dict[str, tuple[str, frozenset[str]]] = {
    "raw_can": ("c7137942eda8", frozenset({"d3a54332bac3"})),
    "ingest_gaps": ("f3787ded1691", frozenset({"e09fae917d31"})),
    "can_signals": ("93a4069a78ef", frozenset({"376c702cbb83"})),
}
"""Per table a code version, and the versions that give the rows that it gave. These are named one by one: as soon as
the code changes again, nothing is taken for granted."""


def former_fingerprint(maker: DayTable, installation: Installation, day: date) -> str | None:
    """What that release would have noted as the inputs of a day made from what is there now; None where it made other
    rows of them."""
    if maker.table.name not in _VERSIONS:
        return None
    facts: list[Any] = [maker.table.name, _VERSIONS[maker.table.name], *_outside(maker, installation, day)]
    for table in maker.inputs:
        facts += maker.contents_read(installation, day, table)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def in_present_words(table: str, inputs: str, present: str) -> str:
    """What a record says of its day; with the name of the code in `present` where its own code gave the same rows."""
    former, equal = EQUAL_CODE.get(table, ("", frozenset()))
    code, _, others = inputs.partition(" ")
    now = present.partition(" ")[0]
    is_equal = code == f"code:{former}" and now.removeprefix("code:") in equal
    return " ".join(filter(None, (now, others))) if is_equal else inputs


def _outside(maker: DayTable, installation: Installation, day: date) -> list[str]:
    """What decided a day's rows and was not in the lake."""
    stated = [f"{name}={getattr(installation.settings, name)}" for name in maker.settings]
    return stated + (list(maker.outside.former_facts(installation, day)) if maker.outside else [])
