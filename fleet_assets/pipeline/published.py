"""What people read of an installation: when marts were published, which of them are stale, what is broken.

Does not belong here: building them (`defs.marts`), and what is stale (`mart_models`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fleet_assets.contracts.errors import ServiceError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_models import stale_marts


@dataclass(frozen=True)
class Published:
    """What people read: stale marts, None before any was published; when; why nobody can say; what is broken."""

    stale: list[str] | None = None
    at: datetime | None = None
    problem: str = ""
    damage: str = ""


def published_now(installation: Installation) -> Published:
    """What the warehouse says; a sentence where its server does not answer."""
    try:
        damage = installation.warehouse.damage()
        if not damage and not installation.warehouse.is_published:
            return Published()
        return Published(sorted(stale_marts(installation)), installation.warehouse.published_at, damage=damage)
    except ServiceError as error:
        return Published(problem=str(error))
