"""Rules of trips: every rule that decides a row of `trips`, in one place to override, and the version that names them.

Belongs here: the composition. Does not belong here: a single rule; it stands in the module that applies it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from fleet_assets.core.distance import DistanceRules
from fleet_assets.core.elevation import ClimbRules
from fleet_assets.core.energy import EnergyRules
from fleet_assets.core.fuel.burned import BurnedRules
from fleet_assets.core.fuel_use import FuelRules
from fleet_assets.core.rules_version import rules_version
from fleet_assets.core.track import TrackRules
from fleet_assets.core.trips.consumption import ConsumptionRules
from fleet_assets.core.trips.segmentation import SegmentationRules
from fleet_assets.core.trips.unobserved import UnobservedRules

CODE_VERSION = 7
"""Raised whenever the code, not a rule, changes what a trip is."""


@dataclass(frozen=True)
class TripRules(TrackRules):
    """When a vehicle moves, when a trip ends, and how its quantities are measured."""

    segmentation: SegmentationRules = field(default_factory=SegmentationRules)
    unobserved: UnobservedRules = field(default_factory=UnobservedRules)
    distance: DistanceRules = field(default_factory=DistanceRules)
    climbs: ClimbRules = field(default_factory=ClimbRules)
    fuel: FuelRules = field(default_factory=FuelRules)
    by_level: BurnedRules = field(default_factory=BurnedRules)
    energy: EnergyRules = field(default_factory=EnergyRules)
    consumption: ConsumptionRules = field(default_factory=ConsumptionRules)
    default_timezone: str = "UTC"
    """IANA zone of a vehicle that states none; it decides local dates only."""

    @cached_property
    def version(self) -> str:
        """Names every rule and the code's version."""
        return rules_version(self, CODE_VERSION)
