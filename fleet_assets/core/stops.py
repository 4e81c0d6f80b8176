"""Stops: stays between two consecutive trips, put together from small tables.

Belongs here: which stays there are, what happened in them, and their kind. Does not belong here: telemetry, and what
tells a refuel or a charge (`fuel`, `charging`): stops take both from the event tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import polars as pl
import polars.selectors as selectors

from fleet_assets.contracts.charging import POWER_SESSIONS
from fleet_assets.contracts.events import STOPS
from fleet_assets.contracts.fuel import FUEL_EVENTS
from fleet_assets.core.arithmetic import sum_in_order
from fleet_assets.core.charging.rules import SessionRules
from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.fuel.windows import WindowRules
from fleet_assets.core.ids import event_ids
from fleet_assets.core.local_time import with_local_date
from fleet_assets.core.rules_version import rules_version
from fleet_assets.core.window import Window
from fleet_assets.core.zones import zone_of

CODE_VERSION = 3
"""Raised whenever the code, not a rule, changes what a stop is."""

EVENTS_FINAL_S = max(FuelEventRules.confirm_s + WindowRules.driving_gap_s, SessionRules.pause_s)
"""s after a stay within which what happened in it becomes final. A refuel is confirmed by `confirm_s` of driving from
the first reading of the tank on, which comes within `driving_gap_s` of the start; a power session is over when the
vehicle drives, or `pause_s` after its last power."""


@dataclass(frozen=True)
class StopRules:
    """What kind of stay it was."""

    charging_min_s: float = 300.0
    """s of power sessions within the stay from which it is charging; less is a cable tried on."""
    events_final_s: float = EVENTS_FINAL_S
    """s after the stay at which a stop is final at the earliest, so that it knows its refuels and power sessions."""
    idling_min_s: float = 300.0
    """s with the engine running from which it is idling (Traccar and Samsara report idling from 5 min)."""
    idling_min_share: float = 0.5
    """Share of the stay with the engine running from which it is idling."""
    edge_s: float = 3600.0
    """s after the look-back's edge within which a first standing observation means that it stood before (heartbeat)."""
    default_timezone: str = "UTC"
    """IANA zone of a vehicle that states none."""

    @cached_property
    def version(self) -> str:
        """Short hash of every rule and of the code's version."""
        return rules_version(self, CODE_VERSION)


@dataclass(frozen=True)
class Happened:
    """What happened to vehicles: refuels among FUEL_EVENTS, and POWER_SESSIONS."""

    fuel_events: pl.LazyFrame
    power_sessions: pl.LazyFrame

    @classmethod
    def nothing(cls) -> Happened:
        """No vehicle was filled or charged; idling is told by the engine alone."""
        return cls(FUEL_EVENTS.empty().lazy(), POWER_SESSIONS.empty().lazy())


def derive_stops(
    trips: pl.LazyFrame, standing_periods: pl.LazyFrame, happened: Happened, zones: pl.LazyFrame,
    vehicles: pl.LazyFrame, window: Window, rules: StopRules | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """Stops (contract STOPS, its order) that became final in the window: with the trip after them, at the earliest
    `events_final_s` after the stay. What became final later than the stop decides nothing of it.

    `trips` and what happened closed, and `standing_periods` begun, in [window.start, window.day_end). A stop starts
    with the end of the trip before; with no trip before in the look-back of its day, with the first standing period
    there (`is_truncated` if that lies at the look-back's edge); with neither, there is no stop. A trip whose own start
    was cut has no known stay before it. Raises DataError for a polygon or a time zone that is none.
    """
    chosen = rules or StopRules()
    stays = _with_standing(_stays(trips, standing_periods, window, chosen), standing_periods)
    known = _with_charging(_with_refuels(stays, happened.fuel_events), happened.power_sessions)
    finish = partial(_finish, _with_kind(known, chosen), zones, vehicles, chosen)
    return pl.defer(finish, schema=STOPS.schema)


def _finish(stays: pl.LazyFrame, zones: pl.LazyFrame, vehicles: pl.LazyFrame, rules: StopRules) -> pl.DataFrame:
    frame = stays.collect()
    lat, lon = (frame[name].to_numpy() for name in ("latitude_deg", "longitude_deg"))
    stamped = frame.with_columns(
        zone_of(lat, lon, zones.collect()),
        event_ids(frame["vehicle_id"], frame["started_at"]).alias("stop_id"),
        pl.lit(rules.version).alias("rules_version"),
    )
    dated = with_local_date(stamped, vehicles.collect(), rules.default_timezone)
    return dated.select(STOPS.schema.names()).sort(STOPS.order)


def _stays(trips: pl.LazyFrame, periods: pl.LazyFrame, window: Window, rules: StopRules) -> pl.LazyFrame:
    """One row per stay that ends with a trip of the window: from, to, closed_at and what both trips say of it."""
    # A stay ends with the start of its trip.
    final_at = pl.max_horizontal("closed_at", pl.col("started_at") + pl.duration(seconds=rules.events_final_s))
    before = pl.col(
        "ended_at", "closed_at", "end_latitude_deg", "end_longitude_deg", "end_fuel_level_pct", "end_odometer_km"
    ).shift(1).over("vehicle_id").name.prefix("before_")  # fmt: skip
    ordered = trips.unique("trip_id").sort("vehicle_id", "started_at").with_columns(before, final_at.alias("final_at"))
    final = ordered.with_columns(_edge(window).alias("edge")).filter(
        pl.col("final_at").is_between(pl.lit(window.day_start), pl.lit(window.day_end), closed="left"),
        ~pl.col("is_truncated"),
    )
    is_followed = (pl.col("before_closed_at") >= pl.col("edge")).fill_null(False)
    # Two trips that touch have no stay between them.
    is_stay = pl.col("before_ended_at") < pl.col("started_at")
    known = final.filter(is_followed & is_stay).with_columns(
        pl.col("before_ended_at").alias("since"), pl.lit(False).alias("cut")
    )
    first = _first_standing(final.filter(~is_followed), periods, rules)
    return pl.concat([known, first], how="diagonal").select(
        "vehicle_id", pl.col("since").alias("started_at"), pl.col("started_at").alias("ended_at"),
        pl.col("final_at").alias("closed_at"), pl.col("cut").alias("is_truncated"),
        "before_end_latitude_deg", "before_end_longitude_deg",
        (pl.col("start_fuel_level_pct") - pl.col("before_end_fuel_level_pct")).alias("fuel_level_change_pct"),
        (pl.col("start_odometer_km") - pl.col("before_end_odometer_km")).alias("unobserved_km"),
    )  # fmt: skip


def _edge(window: Window) -> pl.Expr:
    """Where the look-back of a stop's own day begins: a build of many days equals the builds of its days."""
    return pl.col("final_at").dt.truncate("1d") - pl.lit(window.look_back)


def _first_standing(trips: pl.LazyFrame, periods: pl.LazyFrame, rules: StopRules) -> pl.LazyFrame:
    """Trips without a trip before them, with the first standing observation of their look-back as the beginning."""
    begun = periods.filter(pl.col("is_standing").fill_null(value=True)).select(
        "vehicle_id", pl.col("started_at").alias("since")
    )
    first = (
        trips.select("trip_id", "vehicle_id", "started_at", "edge")
        .join(begun, on="vehicle_id")
        .filter((pl.col("since") >= pl.col("edge")) & (pl.col("since") < pl.col("started_at")))
        .group_by("trip_id")
        .agg(pl.col("since").min())
    )
    unknown = selectors.starts_with("before_")
    is_cut = pl.col("since") < pl.col("edge") + pl.duration(seconds=rules.edge_s)
    return trips.drop(unknown).join(first, on="trip_id").with_columns(is_cut.alias("cut"))


def _with_standing(stays: pl.LazyFrame, periods: pl.LazyFrame) -> pl.LazyFrame:
    """Stays with what was observed in the standing periods that lie in them; null where there is none."""
    spans = stays.select("vehicle_id", pl.col("started_at").alias("stay_at"), pl.col("ended_at").alias("until"))
    within = (
        periods.sort("started_at", "vehicle_id")
        .join_asof(
            spans.sort("stay_at"), left_on="started_at", right_on="stay_at", by="vehicle_id", check_sortedness=False
        )
        .filter(pl.col("ended_at") <= pl.col("until"))
        .group_by("vehicle_id", pl.col("stay_at").alias("started_at"), maintain_order=True)
        .agg(
            *(sum_in_order(pl.col(name)) for name in ("engine_on_s", "idle_fuel_l")),
            pl.col("latitude_deg", "longitude_deg").median(),
        )
    )
    duration_s = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    return stays.join(within, on=["vehicle_id", "started_at"], how="left").with_columns(
        duration_s.alias("duration_s"),
        pl.col("engine_on_s").alias("idle_s"),
        pl.coalesce("latitude_deg", "before_end_latitude_deg").alias("latitude_deg"),
        pl.coalesce("longitude_deg", "before_end_longitude_deg").alias("longitude_deg"),
    )


def _with_refuels(stays: pl.LazyFrame, fuel_events: pl.LazyFrame) -> pl.LazyFrame:
    """Stays with `is_refuelled` where the tank was filled in them."""
    refuels = _in_stays(stays, fuel_events.filter(pl.col("kind") == "refuel"))
    filled = refuels.select("vehicle_id", "started_at", pl.lit(True).alias("is_refuelled")).unique()
    return stays.join(filled, on=["vehicle_id", "started_at"], how="left")


def _with_charging(stays: pl.LazyFrame, power_sessions: pl.LazyFrame) -> pl.LazyFrame:
    """Stays with the time that power sessions last in them."""
    inside = _in_stays(stays, power_sessions).sort("vehicle_id", "started_at", "inside_s")
    charged = inside.group_by("vehicle_id", "started_at", maintain_order=True).agg(sum_in_order(pl.col("inside_s")))
    return stays.join(charged, on=["vehicle_id", "started_at"], how="left")


def _in_stays(stays: pl.LazyFrame, happened: pl.LazyFrame) -> pl.LazyFrame:
    """Per event that was final with a stay, and whose middle lies in it, the stay and the time that it lasted there.

    The bounds of an event are readings around it and may lie in the trips beside; its middle is in one stay at most.
    """
    first, last = pl.col("started_at"), pl.col("ended_at")
    events = happened.select(
        "vehicle_id", first.alias("from"), last.alias("to"), (first + (last - first) / 2).alias("at"),
        pl.col("closed_at").alias("told_at"),
    )  # fmt: skip
    spans = stays.select("vehicle_id", "started_at", "ended_at", "closed_at").sort("started_at")
    inside = pl.min_horizontal("to", "ended_at") - pl.max_horizontal("from", "started_at")
    return (
        events.sort("at")
        .join_asof(spans, left_on="at", right_on="started_at", by="vehicle_id", check_sortedness=False, coalesce=False)
        .filter(pl.col("at") <= pl.col("ended_at"), pl.col("told_at") <= pl.col("closed_at"))
        .select("vehicle_id", "started_at", (inside.dt.total_microseconds() / 1e6).alias("inside_s"))
    )


def _with_kind(stays: pl.LazyFrame, rules: StopRules) -> pl.LazyFrame:
    duration_s = pl.col("duration_s")
    idling = (pl.col("engine_on_s") >= rules.idling_min_s) | (
        (pl.col("engine_on_s") > 0) & (pl.col("engine_on_s") >= rules.idling_min_share * duration_s)
    )
    kind = (
        pl.when(pl.col("inside_s") >= rules.charging_min_s).then(pl.lit("charging"))
        .when(pl.col("is_refuelled").fill_null(value=False)).then(pl.lit("refuelling"))
        .when(idling).then(pl.lit("idling"))
        .otherwise(pl.lit("parking"))
    )  # fmt: skip
    return stays.with_columns(kind.alias("kind"))
