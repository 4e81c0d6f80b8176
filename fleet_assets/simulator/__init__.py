"""A fleet that does not exist: vehicles that drive, refuel and charge, their CAN frames and the truth about them.

Belongs here: the simulated world, from its hills to its frames; pure but for `writer`. Does not belong here: anything
that finds trips, stops or refuels; the simulator shares no code with what it tests.
"""

from fleet_assets.simulator.fleet import Drive, simulate_vehicle
from fleet_assets.simulator.plan import CHARGING_PERIODS_S, THINNED_PERIODS_S, FleetPlan, real_periods
from fleet_assets.simulator.vehicles import Vehicle, make_roster
from fleet_assets.simulator.writer import write_fleet

__all__ = [
    "CHARGING_PERIODS_S", "THINNED_PERIODS_S", "Drive", "FleetPlan", "Vehicle", "make_roster", "real_periods",
    "simulate_vehicle", "write_fleet",
]  # fmt: skip
