"""Rules of candidates: from which size a fall is worth a judgement, and over which time its features look.

Belongs here: thresholds. Does not belong here: those of fuel events (`core.fuel.rules`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.rules_version import rules_version

CODE_VERSION = 1
"""Raised whenever the code, not a rule, changes what a candidate is or a feature means."""


@dataclass(frozen=True)
class CandidateRules(FuelEventRules):
    """Rules of fuel events with lower thresholds: a judgement needs what turns out to be nothing, too.

    It has no field of its own, so that kernels are compiled once for both.
    """

    sigma: float = 2.0
    """Standard deviations: a vehicle with 300 stops a month has half a fall by chance."""
    returns_sigma: float = 1.3
    """Standard deviations within which a fall was given back: below sigma, or each small fall would be."""
    min_theft_l: float = 5.0
    """l that a fall is at least: half of the smallest theft that people report."""
    min_theft_pct: float = 1.5
    """Points that stand for min_theft_l where the tank is not known."""
    slow_sigma: float = 3.0
    """Standard deviations of a week's sum."""
    min_slow_loss_l: float = 6.0
    """l that a week loses at least: 2 l on three nights."""
    min_slow_loss_pct: float = 1.5
    """Points that stand for min_slow_loss_l where the tank is not known."""


@dataclass(frozen=True)
class NightRules:
    """When rests have lost something together."""

    sigma: float = 2.5
    """Standard deviations of a sum without the night that lost most."""
    least_l: float = 4.0
    """l that the rests lose at least, together."""
    least_pct: float = 1.0
    """Points that stand for least_l where the tank is not known."""
    rest_s: float = FuelEventRules.rest_s
    """s from which a stay is a rest."""
    most_nights: int = 7
    """Rests that are summed, at most."""
    within_days: float = 10.0
    """Days within which they lie."""
    usual_days: float = 14.0
    """Days before the first of them whose rests say what is usual."""
    usual_rests: int = 6
    """Rests from which that is known."""
    most_usual_pct: float = 1.0
    """Points that a rest may usually lose: more than heat does is a leak."""
    unknown_pct: float = FuelEventRules.nightly_pct
    """Points that it may lose where it is not known."""
    own_share: float = 0.5
    """Part of a rest's own deviation that counts at least: levels of one sender err alike."""


@dataclass(frozen=True)
class FeatureRules:
    """Over which time features look."""

    history_days: float = 14.0
    """Days before a fall that tell how its sender behaves."""
    before_s: float = 7200.0
    """s before a fall in which driving is counted."""
    together_s: float = 1200.0
    """s around its end in which other vehicles fall together with it."""
    together_sigma: float = 2.0
    """Standard deviations from which another vehicle fell."""
    most_sigmas: float = 3.0
    """Standard deviations up to which a pair counts in the noise of a sender: a theft or a fill is none."""


@dataclass(frozen=True)
class TheftRules:
    """All that candidates and their features depend on."""

    candidates: CandidateRules = field(default_factory=CandidateRules)
    events: FuelEventRules = field(default_factory=FuelEventRules)
    """Rules of fuel events: what is one of them is a candidate as it is."""
    nights: NightRules = field(default_factory=NightRules)
    features: FeatureRules = field(default_factory=FeatureRules)

    @cached_property
    def version(self) -> str:
        """Names every rule and the code's version."""
        return rules_version(self, CODE_VERSION)
