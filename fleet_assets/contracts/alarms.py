"""Alarms: what somebody should look at now, whoever raised it: a model, a threshold, a vendor's device.

Belongs here: declarations. Does not belong here: when an alarm is raised (`core.alarms`, `core.theft.alarms`).
"""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.fuel import LOOK_BACK
from fleet_assets.contracts.schema import Column, Table

ALARM_LOOK_BACK = timedelta(days=14)
"""How far back it is looked for an alarm that another one follows too soon."""

ALARMS = Table(
    name="alarms",
    row="One alarm: one episode of one kind on one vehicle, told once.",
    key=("alarm_id",),
    sort=("vehicle_id", "closed_at", "alarm_id"),
    partition_by="closed_at",
    look_back=ALARM_LOOK_BACK,
    longest=LOOK_BACK + timedelta(days=1),
    final_within=timedelta(hours=25),
    is_local=True,
    columns=(
        Column("alarm_id", "str", "Stable hash of vehicle, source, kind and start.", required=True),
        Column("vehicle_id", "str", "Vehicle it is about.", required=True),
        Column("source", "str",
               "Who raised it: theft_model, theft_rule (sums of nights), or the door of a device's alarm.",
               required=True),
        Column("kind", "str", "What it is about: theft, slow_loss; other sources have kinds of their own.",
               required=True),
        Column("code", "str", "The source's own code: of theft_model how the tank fell (kind of theft_candidates)."),
        Column("name", "str", "The alarm in words."),
        Column("started_at", "ts", "When that of which it tells began.", required=True),
        Column("recorded_at", "ts", "When it was first seen: of a fall the first level after it.", required=True),
        Column("closed_at", "ts", "When it became final, and could be raised.", required=True),
        Column("local_date", "date", "Day of recorded_at in the vehicle's time zone.", required=True),
        Column("latitude_deg", "f64", "Latitude of the place.", "deg", low=-90, high=90),
        Column("longitude_deg", "f64", "Longitude of the place.", "deg", low=-180, high=180),
        Column("zone_id", "str", "Zone the place lies in."),
        Column("speed_kmh", "f64", "Speed of the vehicle then.", "km/h", low=0),
        Column("event_id", "str", "The event, or candidate of one, that it is about."),
        Column("value", "f64", "What was compared: the probability of theft_model, the ratio to noise of theft_rule."),
        Column("threshold", "f64", "What it was compared with: of theft_model the probability at the alarm budget."),
        Column("rules_version", "str", "Rules and code in force when the row was made.", required=True),
    ),
)  # fmt: skip
