"""Thefts of fuel: candidate events and their features, detectors of others for comparison, and how both are judged.

Belongs here: what a model learns from, and what it is measured against. Does not belong here: levels, their balance and
the events that follow from it alone (`core.fuel`), simulated fleets (`simulator`).
"""

from fleet_assets.core.theft.candidates import theft_candidates
from fleet_assets.core.theft.rules import TheftRules

__all__ = ["TheftRules", "theft_candidates"]
