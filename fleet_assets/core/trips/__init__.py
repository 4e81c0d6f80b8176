"""Trips: telemetry of a window in, rows of the `trips` table out.

Belongs here: `segment_trips` (in `detect`), where trips begin and end (`segmentation`), what they measure (`measures`).
Does not belong here: quantities that other tables need as well; they are modules of `core` beside this folder.
"""

from fleet_assets.core.trips.detect import segment_trips
from fleet_assets.core.trips.rules import TripRules

__all__ = ["TripRules", "segment_trips"]
