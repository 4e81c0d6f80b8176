"""Features: what plateaus and their balance tell of a fall, by the time it is final.

Belongs here: features of the fall itself, of its place and its time. Does not belong here: those of what went before
(`history`), and of other vehicles (`fleet`). What each means, and its unit: `contracts.theft.FEATURES`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.contracts.schema import TIMESTAMP
from fleet_assets.core.arithmetic import quotient, seconds_of
from fleet_assets.core.fuel.series import Series
from fleet_assets.core.local_time import with_local_date, with_local_hour
from fleet_assets.core.theft.fleet import with_fleet
from fleet_assets.core.theft.history import with_history
from fleet_assets.core.theft.rules import FeatureRules
from fleet_assets.core.theft.sums import ONE, Timeline
from fleet_assets.core.zones import zone_of

_HOUR_S = 3600.0
_MOST_SHARES = 2.0
"""Times its size that a level may have risen, or fallen on, after a fall; more says nothing else."""


@dataclass(frozen=True)
class Known:
    """What features are computed from: the balance in its order with its series; all falls and stays in it, whenever
    final; reference rows of zones and vehicles."""

    balance: pl.DataFrame
    series: Series
    falls: pl.DataFrame
    stays: pl.DataFrame
    zones: pl.DataFrame
    fleet: pl.DataFrame


def with_features(candidates: pl.DataFrame, known: Known, rules: FeatureRules, default_zone: str) -> pl.DataFrame:
    """The candidates with all columns of FEATURES, in their order. `candidates` are falls (`core.fuel.change_frames`)
    with `kind`, and may be of weeks, of which no single level tells."""
    numbered = candidates.with_row_index(ONE)
    sized = _with_size(numbered)
    driven = _with_driving(sized, known.balance, rules)
    judged = _with_remaining(driven, known.series)
    placed = _with_place(judged, known.zones)
    timed = _with_time(placed, known.fleet, default_zone)
    past = with_history(timed, known.balance, known.falls, known.stays, rules)
    return with_fleet(past, known.balance, rules).sort(ONE).drop(ONE)


def _with_size(falls: pl.DataFrame) -> pl.DataFrame:
    size, scale = -pl.col("change"), pl.col("scale")
    share, hours = quotient(size, scale), quotient(_lasted(), pl.lit(_HOUR_S))
    litres = pl.when("in_litres").then(size)
    parts = [quotient(pl.col(name), scale).alias(f"{name}_pct") for name in ("levels_sd", "burned_sd", "drift_sd")]
    return falls.with_columns(
        litres.alias("volume_l"), share.alias("share_pct"), quotient(size, pl.col("sd")).alias("size_over_noise"),
        *parts, _lasted().alias("duration_s"), quotient(share, hours).alias("rate_pct_h"),
        quotient(litres, hours).alias("rate_lph"), seconds_of(pl.duration(microseconds="gap_us")).alias("gap_s"),
        pl.col("how").alias("compared"),
    )  # fmt: skip


def _lasted() -> pl.Expr:
    """Seconds from the last level before a fall to the first after it, at least one: two readings are no less apart."""
    return seconds_of(pl.col("ended_at") - pl.col("started_at")).clip(1.0)


def _with_driving(falls: pl.DataFrame, balance: pl.DataFrame, rules: FeatureRules) -> pl.DataFrame:
    """Ways and idling before, in and after a fall, and how counter and usual consumption differ in it."""
    is_counted = pl.col("burned_source") == "counter"
    off = pl.col("burned_counter_l") - pl.col("burned_expected_l")
    pairs = balance.select(
        "vehicle_id", "ended_at", "after_ended_at", "driven_km", "idle_s", is_counted.cast(pl.Float64).alias("counted"),
        pl.when(is_counted).then(off).alias("off"),
    )  # fmt: skip
    between = Timeline(pairs, "ended_at", ("driven_km", "idle_s", "counted", "off"))
    around = Timeline(pairs, "after_ended_at", ("driven_km",))
    start, end, final = (pl.col(name) for name in ("started_at", "ended_at", "closed_at"))
    within = between.sums(falls, start, end)
    before = around.sums(falls, start - pl.duration(seconds=rules.before_s), start)["driven_km"]
    after = around.sums(falls, end, final)["driven_km"]
    told = falls.with_columns(
        within["driven_km"], within["idle_s"], before.alias("driven_before_km"), after.alias("driven_after_km"),
        (within["counted"] > 0).alias("has_counter"), within["off"].alias("counter_less_expected_l"),
    )  # fmt: skip
    is_known = pl.col("has_counter")
    return told.with_columns(pl.when(is_known).then("counter_less_expected_l").alias("counter_less_expected_l"))


def _with_remaining(falls: pl.DataFrame, series: Series) -> pl.DataFrame:
    """How much of a fall was there in the last level that began before it was final; null of the sum of a week."""
    levels = pl.DataFrame({"series": series.series, "at": series.start, "level": series.level})
    asked = falls.filter(pl.col("series").is_not_null()).select(
        ONE, "series", "level_a", "change", pl.col("closed_at").alias("at")
    )
    last = asked.sort("at").join_asof(
        levels.with_columns(pl.col("at").cast(TIMESTAMP)).sort("at"), on="at", by="series", check_sortedness=False
    )
    share = quotient(pl.col("level") - pl.col("level_a"), pl.col("change")).clip(-_MOST_SHARES, _MOST_SHARES)
    found = last.select(ONE, share.alias("remaining_share"))
    return falls.join(found, on=ONE, how="left", maintain_order="left")


def _with_place(falls: pl.DataFrame, zones: pl.DataFrame) -> pl.DataFrame:
    lat, lon = (falls[name].cast(pl.Float64).to_numpy() for name in ("latitude_deg", "longitude_deg"))
    kinds = zones.select("zone_id", pl.col("kind").alias("zone_kind")).unique("zone_id", keep="first")
    placed = falls.with_columns(zone_of(lat, lon, zones)).join(kinds, on="zone_id", how="left", maintain_order="left")
    has_place = pl.col("latitude_deg").is_not_null() & pl.col("longitude_deg").is_not_null()
    named = {
        "is_at_depot": pl.col("zone_kind").eq_missing(pl.lit("depot")),
        "is_at_station": pl.col("zone_kind").eq_missing(pl.lit("fuel_station")),
        "is_at_known_place": pl.col("zone_id").is_not_null(),
    }
    return placed.with_columns(pl.when(has_place).then(value).alias(name) for name, value in named.items())


def _with_time(falls: pl.DataFrame, fleet: pl.DataFrame, default_zone: str) -> pl.DataFrame:
    dated = with_local_hour(with_local_date(falls, fleet, default_zone), fleet, default_zone, "started_at")
    return dated.with_columns(pl.col("local_date").dt.weekday().cast(pl.Int64).alias("local_weekday"))
