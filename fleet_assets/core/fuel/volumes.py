"""Volumes: what levels of tanks are in litres, by calibration, by capacity, or as the sender tells them.

Belongs here: the conversion of plateaus. Does not belong here: changes between plateaus (`balance`). A tank is never
guessed: where nothing states its size there are points of level and no litres.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64

CURVE = ("vehicle_id", "tank", "valid_from")


def with_volumes(plateaus: pl.DataFrame, vehicles: pl.DataFrame, calibrations: pl.DataFrame) -> pl.DataFrame:
    """The plateaus with `pct` (level of all tanks together), `volume` (litres, null where not known), `scale` (litres
    that a point of level is there; 1 where litres are not known), `measure` (which tanks they are of, by which curves:
    levels of one measure can be compared), and `is_whole` (whether every tank was read that the vehicle told of on this
    day).

    Two tanks are one volume where both are known; else their mean level counts, as of tanks of one size, and there are
    no litres. A sender that tells litres is believed where no calibration and no capacity turns points into them.
    """
    sizes = vehicles.select("vehicle_id", "tank_capacity_l", "tank_2_capacity_l").unique("vehicle_id", keep="first")
    frame = plateaus.join(sizes, on="vehicle_id", how="left", maintain_order="left")
    frame = _tank(frame, calibrations, 1, "level_pct", "tank_capacity_l")
    frame = _tank(frame, calibrations, 2, "level_2_pct", "tank_2_capacity_l")
    day = pl.col("started_at").dt.date()
    has_1, has_2 = pl.col("level_pct").is_not_null(), pl.col("level_2_pct").is_not_null()
    has_two = (has_1 & has_2).any().over("vehicle_id", day)
    both = pl.col("volume_1") + pl.col("volume_2")
    of_levels = pl.when(has_two).then(both).otherwise(pl.coalesce("volume_1", "volume_2"))
    slopes = pl.when(has_two).then(pl.col("slope_1") + pl.col("slope_2"))
    whole = pl.col("tank_capacity_l") + pl.col("tank_2_capacity_l")
    is_second = ~has_1 & has_2 & ~has_two
    size = pl.when(has_two).then(whole).when(is_second).then("tank_2_capacity_l").otherwise("tank_capacity_l")
    top = pl.col("level_l").max().over("vehicle_id")
    # The scale of noise of a sender of litres whose tank is not known: the highest level there was. No size of a tank.
    told = pl.coalesce(size, top) / 100
    is_told = of_levels.is_null() & pl.col("level_l").is_not_null()
    mean = pl.when(has_two).then((pl.col("level_pct") + pl.col("level_2_pct")) / 2)
    level = pl.when(has_two).then(mean).otherwise(pl.coalesce("level_pct", "level_2_pct"))
    volume = pl.when(is_told).then("level_l").otherwise(of_levels)
    scale = pl.when(is_told).then(told).otherwise(slopes.fill_null(pl.coalesce("slope_1", "slope_2")))
    pct = pl.when(volume.is_not_null() & size.is_not_null()).then((100 * volume / size).clip(0, 100)).otherwise(level)
    curves = pl.format(" {} {}", "curve_1", "curve_2")
    measure = (
        pl.when(is_told).then(pl.lit("litres")).when(has_two).then(pl.lit("both tanks") + curves)
        .when(is_second).then(pl.lit("second tank") + curves).otherwise(pl.lit("first tank") + curves)
    )  # fmt: skip
    return frame.with_columns(
        volume.alias("volume"), pl.when(volume.is_null()).then(1.0).otherwise(scale).alias("scale"), pct.alias("pct"),
        measure.alias("measure"), (~has_two | (has_1 & has_2) | is_told).alias("is_whole"),
    ).drop(
        "volume_1", "volume_2", "slope_1", "slope_2", "curve_1", "curve_2", "tank_capacity_l", "tank_2_capacity_l"
    )  # fmt: skip


def _tank(frame: pl.DataFrame, calibrations: pl.DataFrame, tank: int, level: str, capacity: str) -> pl.DataFrame:
    """Litres in one tank, litres a point, and which curve says so (spans of equal curves are one): by the curve in
    force, else by the capacity (0)."""
    levels = frame[level].cast(pl.Float64).to_numpy()
    size = frame[capacity].cast(pl.Float64).to_numpy()
    volume, slope = levels * size / 100, np.where(np.isnan(levels), np.nan, size / 100)
    curves = calibrations.filter(pl.col("tank") == tank).sort(*CURVE, "level_pct")
    calibrated = frame.select("vehicle_id", "started_at").with_row_index("row").filter(
        pl.col("vehicle_id").is_in(curves["vehicle_id"].implode())
    )  # fmt: skip
    of_vehicle = calibrated.partition_by("vehicle_id", as_dict=True)
    numbers: dict[bytes, int] = {}
    which = np.zeros(len(levels), dtype=np.int64)
    for curve in curves.partition_by(*CURVE, maintain_order=True):  # one per tank and span
        readings = of_vehicle.get((curve["vehicle_id"][0],))
        if readings is not None:
            rows = _in_force(readings, curve)["row"].to_numpy()
            volume[rows], slope[rows] = _on_curve(levels[rows], curve)
            which[rows] = numbers.setdefault(
                curve.select("level_pct", "volume_l").to_numpy().tobytes(), len(numbers) + 1
            )
    columns = {f"volume_{tank}": volume, f"slope_{tank}": slope, f"curve_{tank}": which}
    return frame.with_columns(pl.Series(name, values, nan_to_null=True) for name, values in columns.items())


def _in_force(readings: pl.DataFrame, curve: pl.DataFrame) -> pl.DataFrame:
    begin, end = curve["valid_from"][0], curve["valid_to"][0]
    at = pl.col("started_at")
    is_since = pl.lit(value=True) if begin is None else at >= pl.lit(begin)
    is_until = pl.lit(value=True) if end is None else at < pl.lit(end)
    return readings.filter(is_since & is_until)


def _on_curve(levels: F64, curve: pl.DataFrame) -> tuple[F64, F64]:
    """Litres and litres a point at levels of one curve; beyond its ends what its last point says. Where the curve is
    flat a point is worth what it is on the whole."""
    points, litres = curve["level_pct"].to_numpy(), curve["volume_l"].to_numpy()
    part = np.clip(np.searchsorted(points, levels, side="right") - 1, 0, len(points) - 2)
    slope = (litres[part + 1] - litres[part]) / (points[part + 1] - points[part])
    usual = (litres[-1] - litres[0]) / (points[-1] - points[0])
    worth = np.where(slope > 0, slope, usual)
    return np.interp(levels, points, litres), np.where(np.isnan(levels), np.nan, worth)
