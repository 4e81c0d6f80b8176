"""What several tables read of one reference table, declared once.

Belongs here: rows and columns that one function of `core` asks for, whoever calls it. Does not belong here: what a
single table reads; it stands where that table is declared.
"""

from __future__ import annotations

from fleet_assets.contracts import ZONES, Rows

ZONES_READ = Rows(ZONES, ("zone_id", "latitude_deg", "longitude_deg", "radius_m", "polygon"))
"""By what a position lies in a zone (`core.zones.zone_of`)."""
