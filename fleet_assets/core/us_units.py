"""Quantities as they are read in the United States: columns by the unit in their name, converted and renamed.

Belongs here: what is shown instead of which unit. Does not belong here: storage, which is metric always, and formats.
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.units import conversion

SHOWN_INSTEAD = {
    "kmh": ("km/h", "mph", "mph"), "km": ("km", "mi", "mi"), "m": ("m", "ft", "ft"), "l": ("l", "gal", "gal"),
    "lph": ("l/h", "gal/h", "gph"), "c": ("degc", "degf", "f"), "kpa": ("kpa", "psi", "psi"),
}  # fmt: skip
"""By the end of a column's name: its unit, the unit shown instead, and the end of the name shown instead."""

KG_PER_LB = 0.45359237
"""Exact, international pound."""

LITRES_PER_100_KM = "l_per_100km"
"""Shown as miles per gallon, which grow as these fall."""

_MPG_TIMES_L_PER_100_KM = 100 * 3.785411784 / 1.609344


def in_us_units(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with miles, gallons, degrees Fahrenheit, feet, psi and pounds, and names that say so.

    A column is known by the end of its name (`distance_km`); others, and those that hold no number, stay as they are.
    """
    shown = [_shown(name) if dtype.is_numeric() else pl.col(name) for name, dtype in rows.schema.items()]
    return rows.select(shown)


def _shown(name: str) -> pl.Expr:
    column = pl.col(name)
    if name.endswith(LITRES_PER_100_KM):
        # No fuel at all for a distance is no finite number of miles per gallon.
        mpg = pl.when(column != 0).then(_MPG_TIMES_L_PER_100_KM / column)
        return mpg.alias(name.replace(LITRES_PER_100_KM, "mpg"))
    if name.endswith("_per_100km"):
        return (column * _per_distance()).alias(name.replace("_per_100km", "_per_100mi"))
    stem, _, unit = name.rpartition("_")
    if stem and unit == "kg":
        return (column / KG_PER_LB).alias(f"{stem}_lb")
    return _converted(column, stem, unit) if stem and unit in SHOWN_INSTEAD else column


def _converted(column: pl.Expr, stem: str, unit: str) -> pl.Expr:
    given, wanted, ending = SHOWN_INSTEAD[unit]
    rule = conversion(given, wanted)
    assert rule is not None
    return (column * rule.factor / rule.divisor + rule.offset).alias(f"{stem}_{ending}")


def _per_distance() -> float:
    rule = conversion("mi", "km")
    assert rule is not None
    return rule.factor / rule.divisor
