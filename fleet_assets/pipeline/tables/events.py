"""Event tables: trips, stops, charges and fuel events on the day they became final, and the small tables they read.

Does not belong here: the rules of segmentation (`core`).
"""

from __future__ import annotations

from functools import partial

import polars as pl

from fleet_assets.contracts import (
    CHARGING_HOURS,
    CHARGING_PERIODS,
    CHARGING_SESSIONS,
    DRIVER_ASSIGNMENTS,
    ENERGY_PRICES,
    FUEL_BALANCE,
    FUEL_EVENTS,
    FUEL_PLATEAUS,
    INGEST_OUTAGES,
    LAST_READINGS,
    POWER_SESSIONS,
    READINGS_BEFORE_SILENCE,
    STANDING_PERIODS,
    STOPS,
    TANK_CALIBRATIONS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    ZONES,
    OwnDay,
    Rows,
)
from fleet_assets.core.charging import ChargingRules
from fleet_assets.core.charging import charging_hours as share_by_hour
from fleet_assets.core.charging import charging_periods as find_charging
from fleet_assets.core.charging import charging_sessions as find_plug_ins
from fleet_assets.core.charging import power_sessions as find_power
from fleet_assets.core.charging.found import Fleet
from fleet_assets.core.fuel import FuelEventRules
from fleet_assets.core.fuel import fuel_balance as balance_tanks
from fleet_assets.core.fuel import fuel_events as find_fuel_events
from fleet_assets.core.fuel import fuel_plateaus as find_plateaus
from fleet_assets.core.last_readings import last_readings as read_last
from fleet_assets.core.last_readings import readings_before_silence as read_before
from fleet_assets.core.prices import PRICES_READ
from fleet_assets.core.standing import StandingRules
from fleet_assets.core.standing import standing_periods as find_standing
from fleet_assets.core.stops import StopRules, derive_stops
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.core.window import Window
from fleet_assets.pipeline.day_tables import day_table

event_table = partial(day_table, group="events")


@event_table(LAST_READINGS, reads=[TELEMETRY])
def last_readings(telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """Odometer and place at the end of each day: a silence of weeks is told without weeks of telemetry."""
    return read_last(telemetry)


@event_table(READINGS_BEFORE_SILENCE, reads=[LAST_READINGS])
def readings_before_silence(last_readings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """What was last told of vehicles that were silent the day before: trips read it instead of a month of readings."""
    return read_before(last_readings, window)


@event_table(
    TRIPS,
    reads=[
        TELEMETRY,
        OwnDay(READINGS_BEFORE_SILENCE),
        Rows(VEHICLES, ("vehicle_id", "powertrain", "tank_capacity_l", "battery_capacity_kwh", "timezone")),
        Rows(DRIVER_ASSIGNMENTS, ("driver_id", "vehicle_id", "valid_from", "valid_to")),
    ],
    settings=["timezone"],
)
def trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, driver_assignments: pl.LazyFrame,
    readings_before_silence: pl.LazyFrame, window: Window, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Movement between two ends, each end with its reason; distance, fuel and energy with their sources."""
    rules = TripRules(default_timezone=timezone)
    return segment_trips(telemetry, vehicles, driver_assignments, window, rules, readings_before_silence)


@event_table(STANDING_PERIODS, reads=[TELEMETRY, Rows(VEHICLES, ("vehicle_id", "powertrain"))])
def standing_periods(telemetry: pl.LazyFrame, vehicles: pl.LazyFrame) -> pl.LazyFrame:
    """What was observed while vehicles stood; small, so that a long stay is built without weeks of telemetry."""
    return find_standing(telemetry, StandingRules(), vehicles)


@event_table(
    STOPS,
    reads=[
        TRIPS,
        STANDING_PERIODS,
        Rows(ZONES, ("zone_id", "latitude_deg", "longitude_deg", "radius_m", "polygon")),
        Rows(VEHICLES, ("vehicle_id", "timezone")),
    ],
    settings=["timezone"],
)
def stops(
    trips: pl.LazyFrame, standing_periods: pl.LazyFrame, zones: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window,
    timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Stays between two trips: idling, refuelling, charging or parking."""
    return derive_stops(trips, standing_periods, zones, vehicles, window, StopRules(default_timezone=timezone))


@event_table(CHARGING_PERIODS, reads=[TELEMETRY])
def charging_periods(telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """What was observed of cables, charging power and charge, by the hour; small, for a month of look-back."""
    return find_charging(telemetry, ChargingRules())


CHARGES_READ = (
    CHARGING_PERIODS,
    Rows(VEHICLES, ("vehicle_id", "powertrain", "battery_capacity_kwh", "timezone")),
    Rows(ZONES, ("zone_id", "latitude_deg", "longitude_deg", "radius_m", "polygon")),
    Rows(ENERGY_PRICES, PRICES_READ),
)
"""What sessions and hours of charging are made of."""


@event_table(POWER_SESSIONS, reads=CHARGES_READ, settings=["timezone"])
def power_sessions(
    charging_periods: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, energy_prices: pl.LazyFrame,
    window: Window, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Stretches of charging power: energies on both sides of the charger, type, curve, cost."""
    fleet = Fleet(vehicles, zones, energy_prices)
    return find_power(charging_periods, fleet, window, ChargingRules(default_timezone=timezone))


@event_table(CHARGING_SESSIONS, reads=CHARGES_READ, settings=["timezone"])
def charging_sessions(
    charging_periods: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, energy_prices: pl.LazyFrame,
    window: Window, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Plug-ins, each the sum of its power sessions."""
    fleet = Fleet(vehicles, zones, energy_prices)
    return find_plug_ins(charging_periods, fleet, window, ChargingRules(default_timezone=timezone))


@event_table(CHARGING_HOURS, reads=CHARGES_READ, settings=["timezone"])
def charging_hours(
    charging_periods: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, energy_prices: pl.LazyFrame,
    window: Window, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """What of power sessions fell in which UTC hour."""
    fleet = Fleet(vehicles, zones, energy_prices)
    return share_by_hour(charging_periods, fleet, window, ChargingRules(default_timezone=timezone))


@event_table(FUEL_PLATEAUS, reads=[TELEMETRY, Rows(VEHICLES, ("vehicle_id", "powertrain"))])
def fuel_plateaus(telemetry: pl.LazyFrame, vehicles: pl.LazyFrame) -> pl.LazyFrame:
    """Levels of tanks, robustly, by stretches of a day; small, so that a balance needs no weeks of telemetry."""
    return find_plateaus(telemetry, vehicles=vehicles)


@event_table(
    FUEL_BALANCE,
    reads=[
        FUEL_PLATEAUS,
        Rows(VEHICLES, ("vehicle_id", "tank_capacity_l", "tank_2_capacity_l")),
        Rows(TANK_CALIBRATIONS, ("vehicle_id", "tank", "level_pct", "volume_l", "valid_from", "valid_to")),
    ],
)
def fuel_balance(
    fuel_plateaus: pl.LazyFrame, vehicles: pl.LazyFrame, tank_calibrations: pl.LazyFrame, window: Window
) -> pl.LazyFrame:
    """What changed in tanks between neighbouring plateaus, what was burned meanwhile, and what is left over."""
    return balance_tanks(fuel_plateaus, vehicles, tank_calibrations, window)


@event_table(
    FUEL_EVENTS,
    reads=[
        FUEL_BALANCE,
        INGEST_OUTAGES,
        Rows(VEHICLES, ("vehicle_id", "fuel", "timezone")),
        Rows(ZONES, ("zone_id", "latitude_deg", "longitude_deg", "radius_m", "polygon")),
        Rows(ENERGY_PRICES, ("kind", "price", "currency", "per", "valid_from", "valid_to", "zone")),
    ],
    settings=["timezone"],
)
def fuel_events(
    fuel_balance: pl.LazyFrame, ingest_outages: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame,
    energy_prices: pl.LazyFrame, window: Window, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Refuels, thefts, slow losses, faults of senders, and changes that nobody saw."""
    rules = FuelEventRules(default_timezone=timezone)
    return find_fuel_events(fuel_balance, ingest_outages, vehicles, zones, energy_prices, window, rules)
