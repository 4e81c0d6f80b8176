"""Units and their conversion."""

from __future__ import annotations

import pytest

from fleet_assets.contracts import TELEMETRY
from fleet_assets.core.units import UNITS, conversion, known_unit


@pytest.mark.parametrize(
    ("value", "given", "wanted", "expected"),
    [
        (36.0, "km/h", "km/h", 36.0), (10.0, "m/s", "km/h", 36.0), (100.0, "mph", "km/h", 160.9344),
        (1.0, "bar", "kPa", 100.0), (1.0, "psi", "kPa", 6.894757293168361), (212.0, "degF", "degC", 100.0),
        (32.0, "°F", "degC", 0.0), (273.15, "K", "degC", 0.0), (1.0, "gal", "l", 3.785411784),
        (2.0, "gph", "l/h", 7.570823568),
        (1234.0, "m", "km", 1.234), (1.5, "km", "m", 1500.0), (1.0, "mi", "km", 1.609344), (12_600.0, "mV", "V", 12.6),
        (1500.0, "W", "kW", 1.5), (90.0, "min", "h", 1.5), (7200.0, "s", "h", 2.0), (1.0, "g", "m/s2", 9.80665),
        (7.0, "r/min", "rpm", 7.0), (3.0, "%", "percent", 3.0),
    ],
)  # fmt: skip
def test_values_convert(value: float, given: str, wanted: str, expected: float) -> None:
    found = conversion(given, wanted)
    assert found is not None
    assert value * found.factor / found.divisor + found.offset == pytest.approx(expected, abs=1e-12)


def test_metres_become_kilometres_exactly() -> None:
    found = conversion("m", "km")
    assert found is not None
    assert 40_579.0 * found.factor / found.divisor + found.offset == 40.579


def test_different_quantities_do_not_convert() -> None:
    assert conversion("V", "rpm") is None
    assert conversion("furlong", "km") is None


def test_spelling_and_case_do_not_matter() -> None:
    assert known_unit(" Km/H ") == UNITS["km/h"]
    assert known_unit(None) is None


@pytest.mark.parametrize("column", [column for column in TELEMETRY.columns if column.unit], ids=lambda c: c.name)
def test_every_unit_of_the_contract_is_known(column: object) -> None:
    assert known_unit(column.unit) is not None  # type: ignore[attr-defined]
