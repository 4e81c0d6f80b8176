"""What is published of charging: plug-ins, power sessions and their hours, each from the same stretches of power.

Belongs here: the tables. Does not belong here: which stretches there are (`sessions`), energies (`portions`,
`measures`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts import CHARGING_HOURS, CHARGING_SESSIONS, POWER_SESSIONS, TIMESTAMP, Table
from fleet_assets.core.arithmetic import seconds_of, sum_in_order
from fleet_assets.core.charging.measures import is_believed, measured_charges, of_plug_in, typed
from fleet_assets.core.charging.pieces import Pieces, pieces_of
from fleet_assets.core.charging.portions import Portions, portions_of
from fleet_assets.core.charging.rules import ChargingRules
from fleet_assets.core.charging.sessions import Charges, find_charges
from fleet_assets.core.compiled import I64
from fleet_assets.core.ids import event_ids
from fleet_assets.core.local_time import with_local_date, with_local_hour
from fleet_assets.core.prices import cost_sums, with_cost
from fleet_assets.core.thresholds import micros
from fleet_assets.core.window import Window, micros_of
from fleet_assets.core.zones import zone_of


@dataclass(frozen=True)
class Fleet:
    """What is known of vehicles, places and prices (VEHICLES, ZONES, ENERGY_PRICES)."""

    vehicles: pl.LazyFrame
    zones: pl.LazyFrame
    prices: pl.LazyFrame


def charging_events(
    table: Table, periods: pl.LazyFrame, fleet: Fleet, window: Window, rules: ChargingRules
) -> pl.LazyFrame:  # fmt: skip
    """Rows of POWER_SESSIONS, of CHARGING_SESSIONS (plug-ins, each the sum of its power sessions) or of CHARGING_HOURS,
    in the order of that contract: what became final in the window, hours with their power session.

    `periods` (CHARGING_PERIODS) begun in [window.start, window.day_end). Raises DataError for a polygon or a time zone
    that is none.
    """
    return pl.defer(partial(_collect, table, periods, fleet, window, rules), schema=table.schema)


power_sessions = partial(charging_events, POWER_SESSIONS)
charging_sessions = partial(charging_events, CHARGING_SESSIONS)
charging_hours = partial(charging_events, CHARGING_HOURS)


@dataclass(frozen=True)
class _Day:
    """Periods of one window as frame and arrays, the charges in them, and what the fleet is."""

    periods: pl.DataFrame
    pieces: Pieces
    charges: Charges
    vehicles: pl.DataFrame
    zones: pl.DataFrame
    prices: pl.DataFrame
    window: Window
    rules: ChargingRules

    def is_final(self, closed_at: I64) -> I64:
        """Rows that became final in the window."""
        first, until = (micros_of(at) for at in (self.window.day_start, self.window.day_end))
        return np.flatnonzero((closed_at >= first) & (closed_at < until))

    def is_cut(self, first_piece: I64) -> pl.Series:
        """Whether what begins with these pieces may have begun before the look-back: it is the first, at the edge."""
        vehicle, start = self.pieces.vehicle, self.pieces.start
        is_first = (first_piece == 0) | (vehicle[first_piece] != vehicle[first_piece - 1])
        edge = micros_of(self.window.start) + micros(self.rules.sessions.start_edge_s)
        return pl.Series(is_first & (start[first_piece] < edge), dtype=pl.Boolean)


def _collect(
    table: Table, periods: pl.LazyFrame, fleet: Fleet, window: Window, rules: ChargingRules
) -> pl.DataFrame:  # fmt: skip
    vehicles, zones, prices = fleet.vehicles.collect(), fleet.zones.collect(), fleet.prices.collect()
    powertrains = vehicles.lazy().select("vehicle_id", "powertrain").unique("vehicle_id", keep="first")
    told = periods.join(powertrains, on="vehicle_id", how="left", maintain_order="left")
    once = told.unique(["vehicle_id", "started_at"], keep="first", maintain_order=True)
    ordered = once.sort("vehicle_id", "started_at").collect()
    found = [table.empty()]
    for day in window.days(table.look_back):
        at = pl.col("started_at")
        seen = ordered.filter(at >= day.start, at < day.day_end)
        if seen.is_empty():
            continue
        pieces = pieces_of(seen)
        charges = find_charges(pieces, rules.own_thresholds)
        known = _Day(seen, pieces, charges, vehicles, zones, prices, day, rules)
        closed_at = charges.plugs[:, 3] if table is CHARGING_SESSIONS else charges.power[:, 4]
        if not len(known.is_final(closed_at)):
            continue
        stamped = _ROWS[table.name](known).with_columns(pl.lit(rules.version).alias("rules_version"))
        found.append(stamped.select(table.schema.names()).cast(table.schema))
    return pl.concat(found).sort(table.order)


def _power_rows(day: _Day) -> pl.DataFrame:
    charges, _ = _charges(day, day.is_final(day.charges.power[:, 4]))
    return with_local_date(charges, day.vehicles, day.rules.default_timezone)


def _hour_rows(day: _Day) -> pl.DataFrame:
    charges, hours = _charges(day, day.is_final(day.charges.power[:, 4]))
    of_charge = charges.select(
        "charge", "power_session_id", "session_id", "vehicle_id", "closed_at", "charge_type", "zone_id"
    )
    zone = day.rules.default_timezone
    named = hours.join(of_charge, on="charge")
    return with_local_hour(with_local_date(named, day.vehicles, zone, "hour_at"), day.vehicles, zone, "hour_at")


def _plug_rows(day: _Day) -> pl.DataFrame:
    wanted = day.is_final(day.charges.plugs[:, 3])
    plugs = day.charges.plugs[wanted]
    is_theirs = np.isin(day.charges.power[:, 5], wanted)
    charges, _ = _charges(day, np.flatnonzero(is_theirs))
    unplugged = pl.Series(plugs[:, 2], dtype=pl.Int64)
    frame = pl.DataFrame({
        "plug": pl.Series(wanted, dtype=pl.Int64),
        "vehicle_id": day.periods["vehicle_id"].gather(plugs[:, 0]),
        "plugged_at": pl.Series(plugs[:, 1]).cast(TIMESTAMP),
        "unplugged_at": pl.select(pl.when(unplugged >= 0).then(unplugged)).to_series().cast(TIMESTAMP),
        "closed_at": pl.Series(plugs[:, 3]).cast(TIMESTAMP),
        "has_cable": pl.Series(plugs[:, 4] > 0, dtype=pl.Boolean),
        "is_truncated": day.is_cut(plugs[:, 0]),
        **_place(day, plugs[:, 0]),
    })  # fmt: skip
    summed = of_plug_in(frame, charges)
    named = typed(summed, day.rules.types).with_columns(
        event_ids(frame["vehicle_id"], frame["plugged_at"]).alias("session_id"),
        seconds_of(pl.col("unplugged_at") - pl.col("plugged_at")).alias("plugged_s"),
    )
    is_one = pl.col("has_cable") | (pl.col("power_session_count") > 0)
    return with_local_date(named.filter(is_one), day.vehicles, day.rules.default_timezone, "plugged_at")


_ROWS: dict[str, Callable[[_Day], pl.DataFrame]] = {
    POWER_SESSIONS.name: _power_rows,
    CHARGING_SESSIONS.name: _plug_rows,
    CHARGING_HOURS.name: _hour_rows,
}


def _with_rises(vehicle: pl.Series, is_rise: pl.Series) -> pl.Series:
    """What names a stretch of power beside its start."""
    return pl.select(pl.when(is_rise).then(vehicle + "/rise").otherwise(vehicle)).to_series()


def _charges(day: _Day, wanted: I64) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The wanted stretches of power with all they measure, and their hours."""
    power = day.charges.power[wanted]
    portions = portions_of(day.pieces, day.charges, wanted, day.rules.own_thresholds)
    frame = _stretches(day, wanted, power, portions)
    measured, spread = measured_charges(frame, day.periods, portions, day.rules)
    charges = measured.filter(is_believed(day.rules))
    of_charge = charges.select("charge", "vehicle_id", "zone_id", "energy_ac_kwh")
    parts = spread.join(of_charge, on="charge", maintain_order="left").with_columns(
        pl.lit("electricity").alias("kind"),
        pl.when(pl.col("energy_ac_kwh").is_not_null()).then("ac_kwh").otherwise("added_kwh").alias("amount"),
    )
    priced = with_cost(parts, day.prices, day.vehicles, day.rules.default_timezone)
    hours = priced.group_by("charge", pl.col("at").dt.truncate("1h").alias("hour_at"), maintain_order=True).agg(
        sum_in_order(pl.col("added_kwh")).alias("energy_added_kwh"),
        sum_in_order(pl.col("ac_kwh")).alias("energy_ac_kwh"), sum_in_order(pl.col("charging_s")),
        pl.col("peak_power_kw").max(), *cost_sums(),
    )  # fmt: skip
    costs = hours.group_by("charge", maintain_order=True).agg(*cost_sums())
    return charges.join(costs, on="charge", how="left", maintain_order="left"), hours


def _stretches(day: _Day, wanted: I64, power: I64, portions: Portions) -> pl.DataFrame:
    """One row per stretch of power: when, where, of which plug-in."""
    vehicle = day.periods["vehicle_id"].gather(power[:, 0])
    started, plugged = (
        pl.Series(values).cast(TIMESTAMP) for values in (portions.bounds[:, 0], day.charges.plugs[power[:, 5], 1])
    )
    is_rise = pl.Series(power[:, 6] == 1, dtype=pl.Boolean)
    soc = day.charges.soc[wanted]
    frame = pl.DataFrame({
        "charge": pl.int_range(len(power), eager=True, dtype=pl.Int64),
        "plug": power[:, 5],
        "first": power[:, 0],
        "last": power[:, 1],
        # A rise that nobody saw may begin with the last row of power that was seen: it is another one.
        "power_session_id": event_ids(_with_rises(vehicle, is_rise), started),
        "session_id": event_ids(vehicle, plugged),
        "vehicle_id": vehicle,
        "started_at": started,
        "ended_at": pl.Series(portions.bounds[:, 1]).cast(TIMESTAMP),
        "closed_at": pl.Series(power[:, 4]).cast(TIMESTAMP),
        "is_truncated": day.is_cut(power[:, 0]),
        "is_rise": is_rise,
        "rise_from": soc[:, 0],
        "rise_to": soc[:, 1],
        **_place(day, power[:, 0]),
    }, nan_to_null=True)  # fmt: skip
    capacities = day.vehicles.select("vehicle_id", "battery_capacity_kwh").unique("vehicle_id", keep="first")
    return frame.join(capacities, on="vehicle_id", how="left", maintain_order="left")


def _place(day: _Day, first: I64) -> dict[str, pl.Series]:
    """Where the vehicle stands from these pieces on: the last position told by then, and the zone that it lies in."""
    told = day.periods.select(pl.col("latitude_deg", "longitude_deg").forward_fill().over("vehicle_id"))
    lat, lon = (told[name].gather(first) for name in ("latitude_deg", "longitude_deg"))
    zone = zone_of(lat.fill_null(np.nan).to_numpy(), lon.fill_null(np.nan).to_numpy(), day.zones)
    return {"latitude_deg": lat, "longitude_deg": lon, "zone_id": zone}


__all__ = ["Fleet", "charging_events", "charging_hours", "charging_sessions", "power_sessions"]
