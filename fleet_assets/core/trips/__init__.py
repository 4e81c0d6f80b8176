"""Trips: telemetry of a window in, rows of the `trips` table out.

Belongs here: `segment_trips` (in `segment`), the automaton that cuts (`segments`), what a trip measures (`measures`).
Does not belong here: quantities that other tables need as well; they are modules of `core` beside this folder.
"""

from fleet_assets.core.trip_rules import TripRules
from fleet_assets.core.trips.segment import segment_trips

__all__ = ["TripRules", "segment_trips"]
