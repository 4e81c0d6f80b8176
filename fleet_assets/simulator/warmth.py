"""Warmth: the course of a day's temperature by the clock of a place.

Belongs here: the shape of a day. Does not belong here: how far it swings, weather, and what warmth does to gauges
(`gauges`) and tanks (`fuel.senders`).
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from fleet_assets.simulator.terrain import F64

_MEAN_H = 9
"""Local hour at which the air is as warm as on average; it is warmest six hours later."""


def warmth_of_day(time: F64, timezone: str, offset_from: float) -> F64:
    """From -1 (deep in the night) to 1 (mid-afternoon) at instants (s since 1970), by the local clock, whose offset is
    that of the instant `offset_from` throughout."""
    offset = datetime.fromtimestamp(offset_from, ZoneInfo(timezone)).utcoffset()
    hour = (time + (offset.total_seconds() if offset else 0.0)) / 3600 % 24
    warmth: F64 = np.sin(2 * np.pi * (hour - _MEAN_H) / 24)
    return warmth
