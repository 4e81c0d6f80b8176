"""Rules of fuel events: from which size and certainty a change is one, and how long it has to hold.

Belongs here: the thresholds of all kinds and the version that names them. Does not belong here: uncertainties of single
levels (`balance`) and what makes a level (`windows`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fleet_assets.core.fuel.balance import BalanceRules
from fleet_assets.core.rules_version import rules_version

CODE_VERSION = 2
"""Raised whenever the code, not a rule, changes what an event is."""


@dataclass(frozen=True)
class FuelEventRules:
    """When a change of the balance is an event, and which."""

    min_refuel_l: float = 6.0
    """l that a refuel is at least: people fill 10 l cans; below that the heat of a tank does the same."""
    min_theft_l: float = 8.0
    """l that a theft is at least: 10 to 60 l are typical, and 1 cm of level is 7 l in a 400 l tank."""
    min_refuel_pct: float = 2.0
    """Points that stand for min_refuel_l where the tank is not known: 8 l of 400 l."""
    min_theft_pct: float = 2.5
    """Points that stand for min_theft_l where the tank is not known: 10 l of 400 l."""
    min_slow_loss_l: float = 10.0
    """l that a loss over a week is at least: 2 l on five nights."""
    min_slow_loss_pct: float = 2.5
    """Points that stand for min_slow_loss_l where the tank is not known."""
    sigma: float = 4.5
    """Standard deviations from which a change is none of noise: one in 150 000 by chance; a vehicle makes 300 stops a
    month."""
    slow_sigma: float = 4.0
    """The same of a week's sum: there are four of them in a month."""
    driving_sigma: float = 6.0
    """The same of a step while driving, where no fuel can come in: it is a fault of the sender."""
    returns_sigma: float = 3.0
    """Standard deviations within which a level is back where it was."""
    passing_share: float = 0.3
    """Part of a change within a stay that is left of it, at most, after arriving or leaving took it back."""
    passing_sigma: float = 2.0
    """Standard deviations of what arriving or leaving took back, at least."""
    neighbours: int = 4
    """Plateaus on either side whose mean is compared: their noise halves."""
    before_s: float = 7200.0
    """s before a stay within which plateaus are compared."""
    level_s: float = 1800.0
    """s within which levels of one stay are taken together."""
    confirm_s: float = 3600.0
    """s after a stay in which the level has to hold, at most; `neighbours` plateaus of driving are enough."""
    patience_s: float = 86_400.0
    """s after a change at a stand from which it is final although the vehicle has not driven on."""
    one_fill_s: float = 600.0
    """s between two steps up to which they are one fill: the pump switched off, the card was asked again."""
    short_stop_s: float = 60.0
    """s between two plateaus of driving in which it may have stood unseen."""
    cut_off_s: float = 600.0
    """s of silence after driving from which what happened was not observed."""
    unseen_km: float = 2.0
    """km in a silence from which the vehicle drove unseen."""
    slow_s: float = 7200.0
    """s from which a fall in small steps is a slow loss."""
    drift_pct: float = BalanceRules.drift_pct
    """Points by which heat moves a level within `drift_s` and later (as in the balance)."""
    drift_s: float = 3600 * BalanceRules.drift_h
    """s after which that drift is as large as it gets."""
    nightly_pct: float = 0.25
    """Points by which every stay may cool a tank, all in one direction: 0.08 % a degree of the fuel."""
    rest_s: float = 18_000.0
    """s from which a stay is a rest: it cools more than a stop."""
    usual_stays: int = 6
    """Stays from which it is known what is usual for them."""
    stay_s: float = 3600.0
    """s that a stay lasts to count in a week's sum."""
    fault_pct: float = 5.0
    """Points that readings that are not believed are off to be told as a fault."""
    fault_s: float = 600.0
    """s that they last to be told."""
    source_share: float = 0.6
    """Share of the vehicles of a source that step at one time from which it is the source that changed."""
    source_vehicles: int = 3
    """Vehicles that step, of which it takes at least so many."""
    source_filled: float = 0.5
    """Spread of levels after a rise of many vehicles over their spread before, below which they filled up."""
    source_spread: float = 0.1
    """Relative spread of after over before up to which they all stepped by one factor."""
    default_timezone: str = "UTC"
    """IANA zone of a vehicle that states none; it decides local dates only."""

    @cached_property
    def version(self) -> str:
        """Names every rule and the code's version."""
        return rules_version(self, CODE_VERSION)
