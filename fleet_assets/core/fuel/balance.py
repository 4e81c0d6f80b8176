"""Balance of a tank: what changed between two neighbouring plateaus, what was burned meanwhile, and what is left over.

Belongs here: pairs of plateaus, their litres and their standard deviations. Does not belong here: what a change was
(`events`), where plateaus come from (`plateaus`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import polars as pl

from fleet_assets.contracts.fuel import FUEL_BALANCE
from fleet_assets.core.fuel.learnt import MAD_SD, LearntRules, learnt
from fleet_assets.core.fuel.volumes import with_volumes
from fleet_assets.core.geo import great_circle_expr
from fleet_assets.core.thresholds import HOUR_US
from fleet_assets.core.window import Window

_NOT_BELIEVED = ("filler", "fault")

_ROBUST = 3
"""Readings from which a median leaves one out that is off."""

_FEWER = 6.0
"""Times the usual readings over a level's own, up to which its noise grows with the root of them."""

_MEDIAN_SD = 1.2533
"""Standard deviation of a median over that of a mean."""


@dataclass(frozen=True)
class BalanceRules:
    """Uncertainties of levels and of what was burned."""

    learnt: LearntRules = field(default_factory=LearntRules)
    standing_sd_pct: float = 0.1
    """Points of a level at a stand at least."""
    lone_sd_pct: float = 20.0
    """Points of lone readings at a change of motion or at a turn of the key: they may be anything, and even values that
    are all as likely have a standard deviation of 29 points."""
    slosh_s: float = 15.0
    """s after which a reading of a sloshing tank tells something new."""
    step_pct: float = 0.4
    """Points of a step of the sender while no two levels have differed: J1939, one byte."""
    drift_pct: float = 0.8
    """Points by which heat moves a level within `drift_h` and later: diesel swells by 0.08 % a degree."""
    drift_h: float = 6.0
    """h after which that drift is as large as it gets."""
    counter_l: float = 0.25
    """l of a difference of two readings of the fuel counter (0.5 l steps at either end)."""
    counter_share: float = 0.02
    """Relative standard deviation of the counter."""
    rate_share: float = 0.05
    """Relative standard deviation of an integrated fuel rate."""
    most_lph: float = 120.0
    """l/h above which a step of the counter is a jump: the thirstiest lorry at full load."""
    counter_from_l: float = 2.0
    """l that a counter may rise by in no time: readings of either end are minutes old."""
    most_kmh: float = 150.0
    """km/h above which a step of the odometer is a jump."""
    odometer_km: float = 1.0
    """km of a step of an odometer that tells whole ones."""
    unseen_from_km: float = 0.5
    """km besides those by speed from which some were driven unseen."""
    unseen_most_h: float = 12.0
    """h of a silence in which it may have driven, at most."""
    unseen_h: float = 0.5
    """h of which nothing tells whether it drove, from which it may have."""
    unseen_kmh: float = 30.0
    """km/h that it may have driven then, on the mean."""
    by_speed_share: float = 1.05
    """Odometer over the integrated speed, up to which no way is missing in the rate."""
    moved_km: float = 0.3
    """km by odometer or position from which a vehicle drove in between: further than a parked receiver drifts."""
    step_sigma: float = 4.0
    """Standard deviations from which a pair is a step."""
    least_step_pct: float = 1.5
    """Points that are a step at least."""
    frozen_count: int = 5
    """Readings of a drive that are all the same to be no level of a sender that sloshes."""
    frozen_readings: int = 100
    """Such readings in a day from which that value is no level anywhere on it, however near."""
    frozen_pct: float = 95.0
    """Points up to which; a float stands still at the top of a full tank."""
    frozen_steps: float = 2.0
    """Steps of the sender by which its readings scatter on the drives of a day, to be one that sloshes."""
    filler_pct: float = 5.0
    """Points that a constant level which was a filler on an earlier day is off to be one again."""


def fuel_balance(
    plateaus: pl.LazyFrame, vehicles: pl.LazyFrame, calibrations: pl.LazyFrame, window: Window,
    rules: BalanceRules | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """Pairs of plateaus (contract FUEL_BALANCE, its order) whose later one began in the window's days.

    `plateaus` begun in [window.start, window.day_end). A pair is of two plateaus that are believed, with none such
    in between. Noise and consumption come from the vehicle's days before the pair's own, never from later rows.
    """
    work = partial(_collect, plateaus, vehicles, calibrations, window, rules or BalanceRules())
    return pl.defer(work, schema=FUEL_BALANCE.schema)


def _collect(
    plateaus: pl.LazyFrame, vehicles: pl.LazyFrame, calibrations: pl.LazyFrame, window: Window, rules: BalanceRules
) -> pl.DataFrame:  # fmt: skip
    fleet, curves = vehicles.collect(), calibrations.collect()
    found = [FUEL_BALANCE.empty()]
    for day in window.days(FUEL_BALANCE.look_back):
        at = pl.col("started_at")
        seen = plateaus.filter((at >= pl.lit(day.start)) & (at < pl.lit(day.day_end))).collect()
        if (seen["started_at"] >= day.day_start).any():
            found.append(_of_day(seen, fleet, curves, day, rules))
    return pl.concat(found).sort(FUEL_BALANCE.order)


def _of_day(
    seen: pl.DataFrame, fleet: pl.DataFrame, curves: pl.DataFrame, day: Window, rules: BalanceRules
) -> pl.DataFrame:
    pairs = _pairs(_believed(with_volumes(seen, fleet, curves), rules), rules)
    is_of_day = pl.col("ended_at") >= pl.lit(day.day_start)
    is_past = (pl.col("ended_at") >= pl.lit(day.day_start - timedelta(days=rules.learnt.days))) & ~is_of_day
    usual = learnt(pairs.filter(is_past), rules.learnt)
    known = pairs.filter(is_of_day).join(usual, on="vehicle_id", how="left", maintain_order="left")
    judged = _with_step(_with_burned(_with_noise(known, rules), rules), rules)
    return FUEL_BALANCE.conform(_in_columns(judged).lazy()).collect()


def _believed(plateaus: pl.DataFrame, rules: BalanceRules) -> pl.DataFrame:
    """The plateaus in order with `x` (litres, or points where those are not known) and whether they are believed.

    A constant level that was a filler on an earlier day is one again where it is far from the level before it; so is
    one that does not move while the vehicle drives, of a sender that sloshes on that day, and anywhere on that day
    where enough readings of drives say it.
    """
    frame = plateaus.sort("vehicle_id", "started_at").with_columns(pl.coalesce("volume", "pct").alias("x"))
    day = pl.col("started_at").dt.date()
    of_filler = frame.filter(pl.col("quality") == "filler")
    fillers = of_filler.group_by("vehicle_id", "level_pct").agg(day.min().alias("filler_since"))
    frame = frame.join(fillers, on=["vehicle_id", "level_pct"], how="left", maintain_order="left")
    frame = frame.join(_frozen(frame, rules), on=["vehicle_id", "level_pct"], how="left", maintain_order="left")
    was = (day > pl.col("filler_since")).fill_null(value=False) | (day >= pl.col("frozen_since")).fill_null(value=False)
    may_be = was & (pl.col("level_mad_pct") == 0)
    is_frozen = (day == pl.col("frozen_since")) & (pl.col("frozen_readings") >= rules.frozen_readings)
    is_known = pl.col("x").is_not_null() & pl.col("is_whole") & ~pl.col("quality").is_in(_NOT_BELIEVED)
    before = pl.when(is_known & ~may_be).then("x").forward_fill().over("vehicle_id")
    away = ((pl.col("x") - before).abs() > rules.filler_pct * pl.col("scale")).fill_null(value=False)
    is_filler = may_be & (away | is_frozen.fill_null(value=False))
    in_points = pl.coalesce("level_step_pct", pl.col("level_step_l") / pl.col("scale"))
    return frame.with_columns(
        (is_known & ~is_filler).alias("is_believed"),
        in_points.min().over("vehicle_id").fill_null(rules.step_pct).alias("step_pct"),
        pl.when(is_filler).then(pl.lit("filler")).otherwise("quality").alias("quality"),
    )


def _frozen(frame: pl.DataFrame, rules: BalanceRules) -> pl.DataFrame:
    """Levels (`level_pct`) that stood still on a drive of a day on which the float moves, since when, and how many
    readings of drives said so on that first day."""
    day = pl.col("started_at").dt.date()
    is_below = pl.col("level_pct") <= rules.frozen_pct
    drives = frame.filter(pl.col("is_moving") & is_below & (pl.col("sample_count") >= rules.frozen_count)).select(
        "vehicle_id", "level_pct", "level_mad_pct", "level_step_pct", "sample_count", day.alias("day")
    )
    usual = pl.col("level_mad_pct").quantile(0.9).over("vehicle_id", "day")
    moves = usual >= rules.frozen_steps * pl.col("level_step_pct")
    still = drives.filter(moves & (pl.col("level_mad_pct") == 0))
    of_day = still.group_by("vehicle_id", "level_pct", "day").agg(pl.col("sample_count").sum())
    return (
        of_day.sort("day")
        .group_by("vehicle_id", "level_pct")
        .agg(pl.col("day").first().alias("frozen_since"), pl.col("sample_count").first().alias("frozen_readings"))
    )


_SUMS = {
    "driven_km": "driven_after_km", "rated_l": "rated_after_l", "idle_s": "idle_after_s",
}  # fmt: skip

_TOLD = {"is_driven": "driven_km", "is_rated": "rated_l", "is_idled": "idle_s"}
"""Whether anything told of a sum, by the sum; of what none tells there is no zero."""


def _pairs(plateaus: pl.DataFrame, rules: BalanceRules) -> pl.DataFrame:
    """Each believed plateau with the believed one before it (`b_`); sums run over what lies in between."""
    bad = ~pl.col("is_believed")
    since = [
        (pl.col(name).fill_null(0.0) + pl.col(after).fill_null(0.0).shift(1, fill_value=0.0).over("vehicle_id")).alias(
            name
        )
        for name, after in _SUMS.items()
    ]
    told = [
        (pl.col(name).is_not_null() | pl.col(_SUMS[name]).shift(1).over("vehicle_id").is_not_null()).alias(flag)
        for flag, name in _TOLD.items()
    ]
    frame = plateaus.with_columns(*since, *told, bad.alias("is_bad")).with_columns(
        pl.col("is_bad", *_TOLD, *_SUMS).cum_sum().over("vehicle_id"),
        pl.when("is_believed").then("started_at").backward_fill().over("vehicle_id").alias("next_at"),
    )
    of_skipped = [
        pl.col("started_at").min().alias("skipped_from_at"), pl.col("ended_at").max().alias("skipped_to_at"),
        pl.col("level_pct", "quality").sort_by("started_at").first().name.prefix("skipped_"),
    ]  # fmt: skip
    skipped = frame.filter(bad).group_by("vehicle_id", "next_at").agg(of_skipped).rename({"next_at": "started_at"})
    kept = frame.filter("is_believed").join(skipped, on=["vehicle_id", "started_at"], how="left", maintain_order="left")
    both = kept.with_columns(pl.exclude("vehicle_id").shift(1).over("vehicle_id").name.prefix("b_"))
    # Both have to be in one measure: of the same tanks, and in litres or in points.
    is_same = (pl.col("volume").is_null() == pl.col("b_volume").is_null()) & pl.col("measure").eq_missing(
        pl.col("b_measure")
    )
    return _between(both.filter(pl.col("b_started_at").is_not_null() & is_same), rules)


def _between(pairs: pl.DataFrame, rules: BalanceRules) -> pl.DataFrame:
    """What lies between the middles of both plateaus: way, idling, what counters say, and whether it drove."""
    odometer = pl.col("odometer_km") - pl.col("b_odometer_km")
    names = ("b_latitude_deg", "b_longitude_deg", "latitude_deg", "longitude_deg")
    place = great_circle_expr(*(pl.col(name) for name in names))
    hours = (_middle("") - _middle("b_")) / HOUR_US
    by_speed = pl.col("driven_km") - pl.col("b_driven_km")
    is_sound = odometer.is_between(-0.001, rules.most_kmh * hours + rules.odometer_km)
    km = pl.when(is_sound).then(odometer.clip(0)).otherwise(pl.max_horizontal(by_speed, place))
    idle = (pl.col("idle_s") - pl.col("b_idle_s")).clip(0)
    is_driven, is_rated, is_idled = (pl.col(name) > pl.col(f"b_{name}") for name in _TOLD)
    return pairs.with_columns(
        pl.col("started_at").alias("ended_at"), pl.col("b_ended_at").alias("started_at"),
        pl.col("ended_at").alias("after_ended_at"), pl.col("b_started_at").alias("before_started_at"),
        (pl.col("x") - pl.col("b_x")).alias("x_change"),
        ((pl.col("scale") + pl.col("b_scale")) / 2).alias("pair_scale"),
        km.alias("km"), idle.alias("idle"), pl.when(is_idled).then(idle).alias("idle_s"),
        pl.when(is_driven | is_sound | place.is_not_null()).then(km).alias("driven_km"), hours.alias("hours"),
        by_speed.alias("km_by_speed"),
        ((pl.col("started_at") - pl.col("b_ended_at")).dt.total_microseconds() / HOUR_US).alias("gap_h"),
        (km + rules.learnt.idle_km_per_h * idle / 3600).alias("effective_km"),
        (km - rules.by_speed_share * by_speed - rules.unseen_from_km).clip(0).alias("unseen_km"),
        pl.when(is_sound).then(odometer > rules.moved_km).otherwise(place > rules.moved_km).alias("is_moved"),
        pl.when(is_rated).then(pl.col("rated_l") - pl.col("b_rated_l")).alias("rated"),
        (pl.col("fuel_used_total_l") - pl.col("b_fuel_used_total_l")).alias("counted"),
        (pl.col("is_bad") - pl.col("b_is_bad")).cast(pl.Int64).alias("skipped_count"),
        pl.col("b_is_moving").alias("is_moving_before"), pl.col("is_moving").alias("is_moving_after"),
    )  # fmt: skip


def _middle(prefix: str) -> pl.Expr:
    first, last = (pl.col(f"{prefix}{name}").dt.epoch("us") for name in ("started_at", "ended_at"))
    return (first + last) / 2


def _with_noise(pairs: pl.DataFrame, rules: BalanceRules) -> pl.DataFrame:
    """Standard deviations of both levels (`b_sd`, `sd`) and of the slope (`tilt`), in units of `x`."""
    tilt = pl.coalesce("tilt_sd", rules.learnt.tilt_sd_pct).clip(rules.standing_sd_pct) * pl.col("pair_scale")
    b_span = pl.col("b_ended_at") - pl.col("b_started_at")
    span = pl.col("after_ended_at") - pl.col("ended_at")
    return pairs.with_columns(
        _level_sd("b_", b_span, rules).alias("b_sd"), _level_sd("", span, rules).alias("sd"), tilt.alias("tilt")
    )


def _level_sd(prefix: str, span: pl.Expr, rules: BalanceRules) -> pl.Expr:
    """Of a median over so many readings that tell something new, and of the sender's step; at least what the vehicle's
    own levels scatter by, driving or standing. Lone readings are none that could be told from a swing of the float."""

    def of(name: str) -> pl.Expr:
        return pl.col(f"{prefix}{name}")

    past = rules.learnt
    independent = pl.min_horizontal(of("sample_count"), 1 + span.dt.total_microseconds() / 1e6 / rules.slosh_s)
    mad = pl.coalesce(of("level_mad_pct"), of("level_mad_l") / of("scale"))
    scatter = _MEDIAN_SD * MAD_SD * mad / independent.sqrt()
    own = (scatter**2 + of("step_pct") ** 2 / 12).sqrt()
    standing = pl.max_horizontal(own, pl.coalesce("standing_sd", past.standing_sd_pct), rules.standing_sd_pct)
    unknown = pl.when(of("quality") == "few").then(past.few_sd_pct).otherwise(past.driving_sd_pct)
    fewer = (pl.col("driving_count") / of("sample_count")).fill_null(1.0).clip(1.0, _FEWER)
    driving = pl.max_horizontal(standing, pl.coalesce(pl.col("driving_sd") * fewer.sqrt(), unknown))
    is_driving = of("is_moving").fill_null(value=True)
    sd = pl.when(is_driving).then(driving).otherwise(standing)
    return pl.when(_is_lone(prefix, is_driving)).then(pl.max_horizontal(sd, rules.lone_sd_pct)).otherwise(sd) * of(
        "scale"
    )


def _is_lone(prefix: str, is_driving: pl.Expr) -> pl.Expr:
    """Whether a level is of one or two readings where the vehicle usually sends more, or where it stopped, set off or
    was switched just then: a tank that still sloshes, a sender that wakes, motion not told yet."""
    count = pl.col(f"{prefix}sample_count")
    usual = pl.when(is_driving).then("driving_count").otherwise("standing_count")
    meets = (pl.col("is_moving") != pl.col("b_is_moving")) | (pl.col("is_ignition_on") != pl.col("b_is_ignition_on"))
    return ((count < _ROBUST) & ((2 * count < usual) | (meets & ~is_driving))).fill_null(value=False)


def _with_burned(pairs: pl.DataFrame, rules: BalanceRules) -> pl.DataFrame:
    """What was burned by counter, by rate, by the vehicle's usual consumption (`x` units), and the best of them."""
    past = rules.learnt
    per_km = pl.coalesce("usual_per_km", past.consumption_pct_per_km * pl.col("pair_scale"))
    spread = pl.coalesce("usual_spread", past.unknown_spread)
    idle_km = past.idle_km_per_h * pl.col("idle") / 3600
    # Where nothing tells of motion over a while, it may have driven all the time.
    unseen_h = pl.when(pl.col("is_moved").is_null() & (pl.col("km_by_speed") <= 0)).then(
        pl.col("gap_h").clip(0, rules.unseen_most_h)
    )
    unseen_km = rules.unseen_kmh * pl.when(unseen_h > rules.unseen_h).then(unseen_h).fill_null(0.0)
    usual = per_km * pl.col("effective_km")
    usual_sd = per_km * ((spread * pl.col("km")) ** 2 + idle_km**2 + unseen_km**2).sqrt()
    in_litres = pl.col("volume").is_not_null()
    counted = pl.when(
        in_litres & pl.col("counted").is_between(0, rules.most_lph * pl.col("hours") + rules.counter_from_l)
    ).then("counted")
    missing = per_km * pl.col("unseen_km")
    rated = pl.when(in_litres).then(pl.col("rated") + missing)
    rated_sd = ((rules.rate_share * pl.col("rated")) ** 2 + (spread * missing) ** 2).sqrt()
    counted_sd = (rules.counter_l**2 + (rules.counter_share * counted) ** 2).sqrt()
    has_counter, has_rate = counted.is_not_null(), rated.is_not_null()
    return pairs.with_columns(
        usual.alias("usual"), counted.alias("by_counter"), rated.alias("by_rate"),
        pl.coalesce(counted, rated, usual).alias("burned"),
        pl.when(has_counter).then(counted_sd).when(has_rate).then(rated_sd).otherwise(usual_sd).alias("burned_sd"),
        pl.when(has_counter).then(pl.lit("counter")).when(has_rate).then(pl.lit("rate"))
        .otherwise(pl.lit("consumption")).alias("burned_source"),
    )  # fmt: skip


def _with_step(pairs: pl.DataFrame, rules: BalanceRules) -> pl.DataFrame:
    """What burning does not explain, its standard deviation, and whether it is a step."""
    is_driving = pl.col("is_moving_before") & pl.col("is_moving_after")
    is_other_place = ~is_driving & ((pl.col("is_moving_before") != pl.col("is_moving_after")) | pl.col("is_moved"))
    tilt = pl.when(is_other_place.fill_null(value=True)).then("tilt").otherwise(0.0)
    drift = rules.drift_pct * pl.col("pair_scale") * (pl.col("hours") / rules.drift_h).clip(0, 1)
    variance = pl.col("b_sd") ** 2 + pl.col("sd") ** 2 + pl.col("burned_sd") ** 2 + tilt**2 + drift**2
    off = pl.col("x_change") + pl.col("burned")
    least = pl.max_horizontal(rules.step_sigma * variance.sqrt(), rules.least_step_pct * pl.col("pair_scale"))
    step = pl.when(off >= least).then(pl.lit("rise")).when(off <= -least).then(pl.lit("fall"))
    return pairs.with_columns(off.alias("off"), variance.sqrt().alias("off_sd"), step.alias("step"))


def _in_columns(pairs: pl.DataFrame) -> pl.DataFrame:
    """The columns of the contract: litres where they are known, points where those are."""
    in_litres, has_points = pl.col("volume").is_not_null(), pl.col("pct").is_not_null() & pl.col("b_pct").is_not_null()
    both = {
        "volume_before_sd_l": ("level_before_sd_pct", "b_sd"), "volume_after_sd_l": ("level_after_sd_pct", "sd"),
        "tilt_sd_l": ("tilt_sd_pct", "tilt"), "burned_l": ("burned_pct", "burned"),
        "burned_sd_l": ("burned_sd_pct", "burned_sd"), "unexplained_l": ("unexplained_pct", "off"),
        "unexplained_sd_l": ("unexplained_sd_pct", "off_sd"),
    }  # fmt: skip
    litres = {name: pl.when(in_litres).then(value) for name, (_, value) in both.items()}
    points = {name: pl.when(has_points).then(pl.col(value) / pl.col("pair_scale")) for name, value in both.values()}
    named = {
        "level_before_pct": "b_pct", "level_after_pct": "pct", "volume_before_l": "b_volume",
        "volume_after_l": "volume",
        "burned_counter_l": "by_counter", "burned_rate_l": "by_rate",
    }  # fmt: skip
    return pairs.select(
        *(name for name in FUEL_BALANCE.schema if name in _AS_THEY_ARE),
        *(pl.col(value).alias(name) for name, value in named.items()),
        *(value.alias(name) for name, value in (litres | points).items()),
        (pl.col("pct") - pl.col("b_pct")).alias("change_pct"), pl.when(in_litres).then("x_change").alias("change_l"),
        pl.when(in_litres).then("pair_scale").alias("litres_per_pct"),
        pl.when(in_litres).then("usual").alias("burned_expected_l"),
    )  # fmt: skip


_AS_THEY_ARE = {
    "vehicle_id", "source", "before_started_at", "started_at", "ended_at", "after_ended_at", "is_moving_before",
    "is_moving_after", "is_engine_on", "is_moved", "unseen_km", "driven_km", "idle_s", "burned_source", "step",
    "skipped_count", "skipped_from_at", "skipped_to_at", "skipped_level_pct", "skipped_quality", "latitude_deg",
    "longitude_deg",
}  # fmt: skip
