"""Transitions from battery to fuel: the starts of plug-in hybrids' engines, and the trips that they fell into.

Belongs here: starts of a day, and their trips. Does not belong here: what a start is (`energy.engine_starts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import polars as pl

from fleet_assets.contracts import ENGINE_STARTS, SOC_TRANSITIONS
from fleet_assets.contracts.use import FINAL_AFTER
from fleet_assets.core.compiled import F64, I64, kernel
from fleet_assets.core.energy import EnergyRules, engine_starts
from fleet_assets.core.ids import event_ids
from fleet_assets.core.local_time import with_local_date
from fleet_assets.core.points import vehicle_ranges, within
from fleet_assets.core.rules_version import rules_version
from fleet_assets.core.track import Track, TrackRules, each_track
from fleet_assets.core.window import Window

TELEMETRY_USED = ("engine_speed_rpm", "soc_pct", "ambient_temp_c", "odometer_km")
"""Telemetry columns that starts are made of."""

CODE_VERSION = 2
"""Raised whenever the code, not a rule, changes what a transition is."""


@dataclass(frozen=True)
class TransitionRules(TrackRules):
    """What a start of an engine is."""

    energy: EnergyRules = field(default_factory=EnergyRules)
    default_timezone: str = "UTC"
    """IANA zone of a vehicle that states none; it decides local dates only."""

    @cached_property
    def version(self) -> str:
        """Names every rule and the code's version."""
        return rules_version(self, CODE_VERSION)


_OTHERS = ("ice", "hev", "bev")


def starts_of_days(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TransitionRules
) -> pl.LazyFrame:
    """ENGINE_STARTS rows of the window's days, from telemetry of the window, in any order.

    Of plug-in hybrids, and of vehicles that state no powertrain if they told a charge; a charge of 0 % is told.
    """
    return pl.defer(partial(_collect_starts, telemetry, vehicles, window, rules), schema=ENGINE_STARTS.schema)


def _collect_starts(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TransitionRules
) -> pl.DataFrame:
    fleet = vehicles.collect()
    others = fleet.filter(pl.col("powertrain").is_in(_OTHERS))["vehicle_id"]
    asked = telemetry.filter(~pl.col("vehicle_id").is_in(others.to_list()))
    stated = fleet.filter(pl.col("powertrain") == "phev")["vehicle_id"].to_list()
    ranges = vehicle_ranges(asked, TELEMETRY_USED)
    found = [ENGINE_STARTS.empty()]
    for day in window.days(ENGINE_STARTS.look_back):
        seen = within(asked, day.start, day.day_end)
        found += each_track(seen, TELEMETRY_USED, ranges, fleet, rules, partial(_starts_of, day=day, rules=rules))
    is_hybrid = pl.col("vehicle_id").is_in(stated) | pl.col("soc_pct").is_not_null()
    return pl.concat(found).filter(is_hybrid).sort(ENGINE_STARTS.order)


def _starts_of(track: Track, day: Window, rules: TransitionRules) -> pl.DataFrame:
    rows, shown = engine_starts(track, rules.energy)
    reach = track.thresholds.silence_most_us
    told = {name: track.column(name) for name in TELEMETRY_USED[1:]} | {"soc_pct": track.soc}
    heard = {name: _heard(track.points.vehicle, track.at, values, rows, reach) for name, values in told.items()}
    columns = {
        "vehicle_id": track.points.vehicle_ids.gather(track.points.vehicle[rows]),
        "recorded_at": track.at[rows], "shown_at": track.at[shown], **heard,
    }  # fmt: skip
    starts = pl.DataFrame(columns, nan_to_null=True).cast(ENGINE_STARTS.schema)
    return within(starts.lazy(), day.day_start, day.day_end, "shown_at").collect()


@kernel
def _heard(vehicle: I64, at: I64, values: F64, rows: I64, reach: int) -> F64:
    """The last value heard at or before each row, within `reach` us; NaN where there is none."""
    heard = np.full(len(rows), np.nan)
    for k in range(len(rows) if len(values) > 0 else 0):
        i = rows[k]
        while i >= 0 and vehicle[i] == vehicle[rows[k]] and at[rows[k]] - at[i] <= reach:
            if not np.isnan(values[i]):
                heard[k] = values[i]
                break
            i -= 1
    return heard


def soc_transitions(
    starts: pl.LazyFrame, trips: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TransitionRules
) -> pl.LazyFrame:
    """SOC_TRANSITIONS rows that became final in the window, from starts and trips of its look-back.

    Trips of a vehicle follow each other. So the first one that ends at or after a start holds it or shows that it lies
    in none; a start is final with it, or two days later, when no trip that holds it can become final any more.
    """
    work = partial(_collect_transitions, starts, trips, vehicles, window, rules)
    return pl.defer(work, schema=SOC_TRANSITIONS.schema)


def _collect_transitions(
    starts: pl.LazyFrame, trips: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TransitionRules
) -> pl.DataFrame:
    seen = trips.filter(pl.col("start_reason") != "unobserved").select(
        "vehicle_id", "trip_id", "started_at", "ended_at", trip_closed_at="closed_at"
    )
    found = [_of_day(starts, seen, day).collect() for day in window.days(SOC_TRANSITIONS.look_back)]
    rows = pl.concat(found) if found else SOC_TRANSITIONS.empty().select("vehicle_id", "recorded_at")
    dated = with_local_date(rows, vehicles.collect(), rules.default_timezone, "recorded_at")
    named = dated.with_columns(
        event_ids(dated["vehicle_id"], dated["recorded_at"]).alias("transition_id"),
        is_truncated=pl.lit(value=False), rules_version=pl.lit(rules.version),
    )  # fmt: skip
    return SOC_TRANSITIONS.conform(named.lazy()).collect().sort(SOC_TRANSITIONS.order)


def _of_day(starts: pl.LazyFrame, trips: pl.LazyFrame, day: Window) -> pl.LazyFrame:
    """Starts that became final in one day, each with its trip."""
    begun = within(starts, day.start, day.day_end).sort("vehicle_id", "recorded_at")
    ended = within(trips, day.start, day.day_end, "trip_closed_at").sort("vehicle_id", "ended_at")
    met = begun.join_asof(ended, left_on="recorded_at", right_on="ended_at", by="vehicle_id", strategy="forward")
    deadline = pl.col("recorded_at") + FINAL_AFTER
    is_met = (pl.col("trip_closed_at") <= deadline).fill_null(value=False)
    closed = pl.when(is_met).then(pl.max_horizontal("trip_closed_at", "shown_at")).otherwise(deadline)
    is_within = is_met & (pl.col("started_at") <= pl.col("recorded_at"))
    found = met.with_columns(closed.alias("closed_at"), pl.when(is_within).then("trip_id").alias("trip_id"))
    return within(found, day.day_start, day.day_end, "closed_at").drop(
        "shown_at", "started_at", "ended_at", "trip_closed_at"
    )
