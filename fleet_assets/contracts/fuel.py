"""Fuel: level plateaus, the balance between them, and what happened to tanks (refuels, thefts, losses, faults).

Belongs here: declarations. Does not belong here: rules and thresholds (`core.fuel`).
"""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.schema import Column, Table

LOOK_BACK = timedelta(days=31)
"""How far back a balance looks for the plateau before, and an event for what it is compared with."""

KINDS = ("refuel", "theft", "slow_loss", "sensor_fault", "unobserved_change")
"""What can happen to a tank; burning is none of these."""

QUALITIES = ("ok", "few", "noisy", "filler", "fault")
"""How far a plateau is believed; those of the last two are not."""

_PLACE = (
    Column("latitude_deg", "f64", "Latitude at its middle.", "deg", low=-90, high=90),
    Column("longitude_deg", "f64", "Longitude at its middle.", "deg", low=-180, high=180),
)

FUEL_PLATEAUS = Table(
    name="fuel_plateaus",
    row="The fuel level of one vehicle over one stretch of one UTC day, standing or driving; no tank size is used.",
    key=("vehicle_id", "started_at"),
    partition_by="started_at",
    is_local=True,
    columns=(
        Column("vehicle_id", "str", "Vehicle of the tank.", required=True),
        Column("started_at", "ts", "First reading of the stretch.", required=True),
        Column("ended_at", "ts", "Last reading of the stretch.", required=True),
        Column("source", "str", "Door through which the readings came."),
        Column("level_pct", "f64", "Median level of the tank; null where only litres are told.", "%", low=0, high=100),
        Column("level_mad_pct", "f64", "Median distance of the readings from level_pct.", "%", low=0, high=100),
        Column("level_2_pct", "f64", "Median level of a second tank.", "%", low=0, high=100),
        Column("level_2_mad_pct", "f64", "Median distance of the readings from level_2_pct.", "%", low=0, high=100),
        Column("level_l", "f64", "Median level where the sender tells litres.", "l", low=0, high=5_000),
        Column("level_mad_l", "f64", "Median distance of the readings from level_l.", "l", low=0),
        Column("level_step_pct", "f64", "Smallest step between two levels of the day, in points.", "%", low=0),
        Column("level_step_l", "f64", "Smallest step between two levels of the day, in litres.", "l", low=0),
        Column("sample_count", "i64", "Readings that the level is the median of.", required=True, low=1),
        Column("left_out_count", "i64", "Readings of the stretch that were not believed: zeros and fillers.",
               required=True, low=0),
        Column("is_engine_on", "bool", "Engine running for most of it; null where nothing tells."),
        Column("is_ignition_on", "bool", "Ignition on for most of it; null where nothing tells."),
        Column("is_moving", "bool", "Driving; null where nothing tells of motion."),
        Column("odometer_km", "f64", "Odometer at its middle.", "km", low=0),
        Column("fuel_used_total_l", "f64", "Fuel counter at its middle.", "l", low=0),
        Column("driven_km", "f64", "Driven by speed since the middle of the plateau before, or since midnight.", "km",
               low=0),
        Column("rated_l", "f64", "Burned by fuel rate over the same time.", "l", low=0),
        Column("moving_s", "f64", "Moving over the same time.", "s", low=0),
        Column("idle_s", "f64", "Standing with the engine running over the same time.", "s", low=0),
        Column("driven_after_km", "f64", "Of the day's last plateau: driven by speed from its middle to the last row.",
               "km", low=0),
        Column("rated_after_l", "f64", "Of the day's last plateau: burned by fuel rate after its middle.", "l", low=0),
        Column("moving_after_s", "f64", "Of the day's last plateau: moving after its middle.", "s", low=0),
        Column("idle_after_s", "f64", "Of the day's last plateau: standing with the engine running after its middle.",
               "s", low=0),
        *_PLACE,
        Column("quality", "str",
               "ok; few: fewer than three readings; noisy: they scatter widely; filler: a constant code that "
               "alternates with real levels; fault: exactly zero.", required=True, values=QUALITIES),
    ),
)  # fmt: skip

FUEL_BALANCE = Table(
    name="fuel_balance",
    row="What changed in the tank of one vehicle between two neighbouring plateaus that are believed, and why.",
    key=("vehicle_id", "ended_at"),
    partition_by="ended_at",
    look_back=LOOK_BACK,
    longest=LOOK_BACK + timedelta(days=1),
    is_local=True,
    columns=(
        Column("vehicle_id", "str", "Vehicle of the tank.", required=True),
        Column("source", "str", "Door through which the later readings came."),
        Column("before_started_at", "ts", "First reading of the earlier plateau.", required=True),
        Column("started_at", "ts", "Last reading of the earlier plateau.", required=True),
        Column("ended_at", "ts", "First reading of the later plateau.", required=True),
        Column("after_ended_at", "ts", "Last reading of the later plateau.", required=True),
        Column("is_moving_before", "bool", "The earlier plateau was taken while driving."),
        Column("is_moving_after", "bool", "The later plateau was taken while driving."),
        Column("is_engine_on", "bool", "Engine running in the later plateau."),
        Column("is_moved", "bool",
               "Odometer or position say that it drove in between; null where neither tells."),
        Column("unseen_km", "f64", "Part of driven_km of which no speed tells.", "km", low=0),
        Column("is_off_before", "bool", "Ignition off in the earlier plateau."),
        Column("is_off_after", "bool", "Ignition off in the later plateau."),
        Column("level_before_pct", "f64", "Level before; of two tanks by their volumes.", "%", low=0, high=100),
        Column("level_after_pct", "f64", "Level after.", "%", low=0, high=100),
        Column("level_before_sd_pct", "f64", "Standard deviation of the level before.", "%", low=0),
        Column("level_after_sd_pct", "f64", "Standard deviation of the level after.", "%", low=0),
        Column("volume_before_l", "f64", "Litres before; null where the tank is not known.", "l", low=0),
        Column("volume_after_l", "f64", "Litres after.", "l", low=0),
        Column("volume_before_sd_l", "f64", "Standard deviation of the litres before.", "l", low=0),
        Column("volume_after_sd_l", "f64", "Standard deviation of the litres after.", "l", low=0),
        Column("tilt_sd_pct", "f64", "Standard deviation between level standing and driving: slope of the ground.", "%",
               low=0),
        Column("tilt_sd_l", "f64", "The same in litres.", "l", low=0),
        Column("change_pct", "f64", "Level after minus before.", "%", low=-100, high=100),
        Column("change_l", "f64", "Litres after minus before.", "l"),
        Column("driven_km", "f64", "Driven between the middles of both plateaus.", "km", low=0),
        Column("idle_s", "f64", "Standing with the engine running between them.", "s", low=0),
        Column("burned_counter_l", "f64", "Burned between them by the fuel counter.", "l", low=0),
        Column("burned_rate_l", "f64", "Burned between them by the fuel rate.", "l", low=0),
        Column("burned_expected_l", "f64", "Burned by the vehicle's own consumption of the days before.", "l", low=0),
        Column("burned_l", "f64", "Burned by the best of these.", "l", low=0),
        Column("burned_sd_l", "f64", "Standard deviation of burned_l.", "l", low=0),
        Column("burned_pct", "f64", "Burned in points of level.", "%", low=0),
        Column("burned_sd_pct", "f64", "Standard deviation of burned_pct.", "%", low=0),
        Column("burned_source", "str", "What burned_l, or burned_pct, was taken from.",
               values=("counter", "rate", "consumption")),
        Column("unexplained_pct", "f64", "change_pct + burned_pct.", "%"),
        Column("unexplained_sd_pct", "f64", "Standard deviation of unexplained_pct.", "%", low=0),
        Column("unexplained_l", "f64", "change_l + burned_l: what came in or went, besides what was burned.", "l"),
        Column("unexplained_sd_l", "f64", "Standard deviation of unexplained_l.", "l", low=0),
        Column("step", "str", "What the pair alone is taken for: a rise or a fall beyond its noise; null for neither.",
               values=("rise", "fall")),
        Column("skipped_count", "i64", "Plateaus in between that are not believed.", required=True, low=0),
        Column("skipped_from_at", "ts", "First reading of those."),
        Column("skipped_to_at", "ts", "Last reading of those."),
        Column("skipped_level_pct", "f64", "Level of the first of those.", "%", low=0, high=100),
        Column("skipped_quality", "str", "Quality of the first of those.", values=QUALITIES),
        *_PLACE,
    ),
)  # fmt: skip

FUEL_EVENTS = Table(
    name="fuel_events",
    row="One refuel, theft, slow loss, fault of a sender, or change that nobody saw, of one vehicle.",
    key=("event_id",),
    sort=("vehicle_id", "started_at", "event_id"),
    partition_by="closed_at",
    look_back=LOOK_BACK,
    longest=LOOK_BACK + timedelta(days=1),
    final_within=timedelta(hours=25),
    is_local=True,
    columns=(
        Column("event_id", "str", "Stable hash of vehicle, start and kind.", required=True),
        Column("vehicle_id", "str", "Vehicle of the tank.", required=True),
        Column("kind", "str", "What happened.", required=True, values=KINDS),
        Column("started_at", "ts", "Last reading before the change.", required=True),
        Column("ended_at", "ts", "First reading after it.", required=True),
        Column("closed_at", "ts", "When it was confirmed, and so final.", required=True),
        Column("local_date", "date", "Day of started_at in the vehicle's time zone.", required=True),
        Column("level_before_pct", "f64", "Level before.", "%", low=0, high=100),
        Column("level_after_pct", "f64", "Level after.", "%", low=0, high=100),
        Column("change_pct", "f64", "Points that came in (+) or went (-), besides what was burned.", "%"),
        Column("change_sd_pct", "f64", "Standard deviation of change_pct.", "%", low=0),
        Column("volume_l", "f64", "Litres that came in or went, without sign; null where the tank is not known.", "l",
               low=0),
        Column("volume_sd_l", "f64", "Standard deviation of volume_l.", "l", low=0),
        Column("expected_consumption_l", "f64", "Burned meanwhile, by counter, rate or the vehicle's own consumption.",
               "l", low=0),
        Column("unexplained_l", "f64", "Litres that burning does not explain: + came in, - went.", "l"),
        Column("confidence", "f64", "Probability that it is no noise, from the balance alone.", low=0, high=1),
        Column("is_engine_on", "bool", "Engine running while it happened."),
        Column("is_moving", "bool", "Driving while it happened."),
        Column("latitude_deg", "f64", "Latitude of the place.", "deg", low=-90, high=90),
        Column("longitude_deg", "f64", "Longitude of the place.", "deg", low=-180, high=180),
        Column("zone_id", "str", "Zone the place lies in."),
        Column("cost", "f64",
               "Price in force times volume_l, of a refuel, theft or slow loss; null where no price is known."),
        Column("currency", "str", "ISO 4217 code of cost."),
        Column("evidence", "json", "Plateaus used, parts of the standard deviation, and why this kind and no other."),
        Column("is_truncated", "bool", "The start was cut at the edge of the look-back.", required=True),
        Column("rules_version", "str", "Rules and code in force when the row was made.", required=True),
    ),
)  # fmt: skip
