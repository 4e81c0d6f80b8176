"""What fleet of tanks to simulate: size, days, seed, and how often each incident and fault happens.

Belongs here: the plan and its rates. Does not belong here: what an incident is (`incidents`, `faults`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fleet_assets.simulator.plan import AnyFleetPlan


@dataclass(frozen=True)
class IncidentRates:
    """How often things happen, per vehicle and day unless stated otherwise."""

    theft: float = 0.004
    """Thefts of 10 to 150 l at once; a few per thousand vehicle-days."""
    siphoning: float = 0.0008
    """Series of nights of which 2 to 5 l are missing each."""
    leak: float = 0.0004
    """Leaks that last for days."""
    cans: float = 0.003
    """Cans that a driver fills from the tank, and may."""
    generator: float = 0.004
    """Hours in which an auxiliary unit burns from the tank while the engine is off and no counter counts."""
    pto: float = 0.02
    """Hours in which the parked engine drives a machine."""
    transfer: float = 0.15
    """Transfers from the second tank to the first, where no pipe joins them."""
    spill: float = 0.02
    """Per refuel: litres that run over and are lost within minutes."""
    parked_step: float = 0.03
    """Steps of a level while parked: loading, a trailer, a kerb."""
    zero: float = 0.01
    """Spells in which a sender reports zero and then comes back."""
    filler: float = 0.004
    """Spells of hours in which a constant code takes the place of most values."""
    swap: float = 0.0008
    """Senders exchanged or bent: another offset and scale from then on."""
    gap: float = 0.05
    """Spells without any row of one vehicle."""
    outage: float = 0.03
    """Per source and day: spells without any row of all its vehicles."""
    scale_change: float = 0.012
    """Per source and day: changes of scale of all its vehicles at one minute, undone within days."""

    def with_losses(self, factor: float) -> IncidentRates:
        """The same rates with `factor` times the thefts, series of siphoning and leaks."""
        return replace(
            self, theft=self.theft * factor, siphoning=self.siphoning * factor, leak=self.leak * factor
        )  # fmt: skip


CALM = IncidentRates(**dict.fromkeys(IncidentRates.__dataclass_fields__, 0.0))
"""Rates of a fleet in which nothing is lost and no sender fails."""


@dataclass(frozen=True)
class FuelFleetPlan(AnyFleetPlan):
    """Everything a fleet of tanks depends on: equal plans give equal tables."""

    vehicles: int = 60
    days: int = 45
    rates: IncidentRates = field(default_factory=IncidentRates)
