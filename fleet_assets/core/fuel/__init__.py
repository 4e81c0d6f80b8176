"""Fuel in tanks: telemetry in, plateaus of level out; plateaus in, their balance out; balance in, events out.

Belongs here: what is derived from the level of a tank. Does not belong here: fuel burned by counter or rate over a
stretch of telemetry (`core.fuel_use`).
"""

from fleet_assets.core.fuel.balance import BalanceRules, fuel_balance
from fleet_assets.core.fuel.burned import BurnedRules, burned_by_level
from fleet_assets.core.fuel.events import fuel_events
from fleet_assets.core.fuel.plateaus import PlateauRules, fuel_plateaus
from fleet_assets.core.fuel.rules import FuelEventRules

__all__ = [
    "BalanceRules", "BurnedRules", "FuelEventRules", "PlateauRules", "burned_by_level", "fuel_balance", "fuel_events",
    "fuel_plateaus",
]  # fmt: skip
