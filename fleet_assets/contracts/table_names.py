"""What a person means by the name of a table that there is not.

Belongs here: words people have for what tables hold, and the one sentence about an unknown name. Does not belong here:
which tables there are (each place knows its own).
"""

from __future__ import annotations

from collections.abc import Sequence

from fleet_assets.wording import meant

HELD_BY = {
    "refuel": "fuel_events", "refill": "fuel_events", "theft": "fuel_events", "leak": "fuel_events",
    "charge": "charging_sessions", "plug": "charging_sessions", "drive": "trips", "journey": "trips", "ride": "trips",
    "park": "stops", "visit": "stops", "position": "telemetry", "point": "telemetry", "gps": "telemetry",
    "speed": "telemetry", "frame": "raw_can", "signal": "can_signals", "car": "vehicles", "truck": "vehicles",
    "geofence": "zones", "price": "energy_prices", "tariff": "energy_prices", "month": "monthly_summary",
    "day": "vehicle_daily", "hour": "hourly_use", "consumption": "hourly_use", "quarantine": "ingest_quarantined",
    "gap": "ingest_gaps",
}  # fmt: skip
"""A word in a name that somebody tries, and the table that holds such things."""


def likely_tables(name: str, known: Sequence[str]) -> list[str]:
    """The tables that a name may have meant, likeliest first; none where nothing is alike."""
    held = [table for word, table in HELD_BY.items() if word in name.lower() and table in known]
    return list(dict.fromkeys([*meant(name, known), *held]))[:3]


def no_such_table(name: str, known: Sequence[str], otherwise: str = "") -> str:
    """The sentence about an unknown table: which was meant, or all there are, or what to do where there are none."""
    likely = likely_tables(name, known)
    if likely:
        return f"there is no table {name}; did you mean {' or '.join(likely)}?"
    return f"there is no table {name}; there are: {', '.join(known) or 'none'}{otherwise}"
