"""Units of measurement and their conversion, one table.

Belongs here: spellings of units and factors. Does not belong here: which column has which unit (`contracts`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A value in this unit x `factor` + `offset` is the value in the first unit of its quantity."""

    quantity: str
    factor: float = 1.0
    offset: float = 0.0
    divisor: float = 1.0
    """Exact where the factor is not: km/h is m/s x 3.6, m/s is km/h / 3.6."""


@dataclass(frozen=True)
class Conversion:
    """value x factor / divisor + offset."""

    factor: float = 1.0
    divisor: float = 1.0
    offset: float = 0.0

    @property
    def is_identity(self) -> bool:
        return self == Conversion()


_MILE_KM = 1.609344  # exact, international mile
_US_GALLON_L = 3.785411784  # exact, 231 cubic inches
_IMPERIAL_GALLON_L = 4.54609  # exact, UK Weights and Measures Act 1985
_PSI_KPA = 6.894757293168361  # lbf 4.4482216152605 N over an inch of 0.0254 m, squared
_STANDARD_GRAVITY = 9.80665  # exact, m/s2

# The first unit of each quantity is the one of the contract's columns.
_TABLE: dict[tuple[str, ...], Unit] = {
    ("km/h", "kmh", "kph", "km/hr", "kmph", "kilometers/hour"): Unit("speed"),
    ("m/s", "mps", "m/sec", "meters/second"): Unit("speed", 3.6),
    ("mph", "mi/h", "miles/hour"): Unit("speed", _MILE_KM),
    ("kn", "knot", "knots", "kt", "kts"): Unit("speed", 1.852),
    ("km", "kilometer", "kilometre", "kilometers"): Unit("distance"),
    ("m", "meter", "metre", "meters", "metres"): Unit("distance", divisor=1000.0),
    ("mi", "mile", "miles"): Unit("distance", _MILE_KM),
    ("ft", "feet", "foot"): Unit("distance", 0.3048, divisor=1000.0),
    ("deg", "°", "degree", "degrees", "degr"): Unit("angle"),
    ("rad", "radian", "radians"): Unit("angle", 57.29577951308232),
    ("1", "", "-", "count", "unitless", "none"): Unit("number"),
    ("%", "percent", "pct"): Unit("share"),
    ("degc", "°c", "c", "deg c", "celsius", "℃", "degree c"): Unit("temperature"),
    ("degf", "°f", "f", "deg f", "fahrenheit", "℉"): Unit("temperature", 5.0, -160.0 / 9.0, 9.0),
    ("k", "kelvin"): Unit("temperature", 1.0, -273.15),
    ("kpa",): Unit("pressure"),
    ("pa",): Unit("pressure", divisor=1000.0),
    ("hpa", "mbar"): Unit("pressure", divisor=10.0),
    ("bar",): Unit("pressure", 100.0),
    ("mpa",): Unit("pressure", 1000.0),
    ("psi",): Unit("pressure", _PSI_KPA),
    ("l", "liter", "litre", "liters", "litres"): Unit("volume"),
    ("ml",): Unit("volume", divisor=1000.0),
    ("gal", "gallon", "gallons", "us gal", "gal (us)"): Unit("volume", _US_GALLON_L),
    ("imp gal", "gal (uk)"): Unit("volume", _IMPERIAL_GALLON_L),
    ("l/h", "lph", "l/hr", "liters/hour"): Unit("volume rate"),
    ("ml/h",): Unit("volume rate", divisor=1000.0),
    ("gal/h", "gph", "gal/hr"): Unit("volume rate", _US_GALLON_L),
    ("v", "volt", "volts"): Unit("voltage"),
    ("mv",): Unit("voltage", divisor=1000.0),
    ("kv",): Unit("voltage", 1000.0),
    ("a", "amp", "amps", "ampere"): Unit("current"),
    ("ma",): Unit("current", divisor=1000.0),
    ("kw",): Unit("power"),
    ("w", "watt", "watts"): Unit("power", divisor=1000.0),
    ("hp", "bhp"): Unit("power", 0.7456998715822702),
    ("kwh",): Unit("energy"),
    ("wh",): Unit("energy", divisor=1000.0),
    ("mj",): Unit("energy", divisor=3.6),
    ("rpm", "1/min", "r/min", "u/min", "min-1", "rev/min"): Unit("rotation"),
    ("h", "hr", "hrs", "hour", "hours"): Unit("time"),
    ("min", "minute", "minutes"): Unit("time", divisor=60.0),
    ("s", "sec", "second", "seconds"): Unit("time", divisor=3600.0),
    ("m/s2", "m/s^2", "m/s²", "m/s/s", "m/sec2", "m/sec^2"): Unit("acceleration"),
    ("g", "g-force"): Unit("acceleration", _STANDARD_GRAVITY),
    ("mg",): Unit("acceleration", _STANDARD_GRAVITY, divisor=1000.0),
}

UNITS: dict[str, Unit] = {spelling: unit for spellings, unit in _TABLE.items() for spelling in spellings}


def known_unit(text: str | None) -> Unit | None:
    """The unit a text names, whatever its case and spaces; None for an unknown one, and for none at all."""
    return None if text is None else UNITS.get(" ".join(text.split()).lower())


def conversion(given: str, wanted: str) -> Conversion | None:
    """How to convert; None where one of the units is unknown or they measure different things.

    Lengths in the contract are in km (odometer) and in m (altitude): both directions are exact.
    """
    source, target = known_unit(given), known_unit(wanted)
    if source is None or target is None or source.quantity != target.quantity:
        return None
    if source == target:
        return Conversion()
    factor, divisor = source.factor * target.divisor, source.divisor * target.factor
    if factor / divisor == round(factor / divisor):
        factor, divisor = factor / divisor, 1.0
    elif divisor / factor == round(divisor / factor):
        factor, divisor = 1.0, divisor / factor
    return Conversion(factor, divisor, (source.offset - target.offset) * target.divisor / target.factor)
