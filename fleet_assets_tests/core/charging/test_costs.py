"""Charges cost what was in force in the hours in which their energy fell, and never in two currencies at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from fleet_assets.core.charging import charging_hours, charging_sessions, power_sessions
from fleet_assets_tests.core.charging.plugged import ANY, Car, fleet, made

H = 3600.0
WINTER = datetime(2026, 1, 1, tzinfo=UTC)
TEN_PM = timedelta(hours=22)


def price(value: float, **columns: object) -> dict[str, object]:
    return {"kind": "electricity", "price": value, "currency": "EUR", "valid_from": WINTER} | columns


NIGHT = [price(0.2, daily_from="22:00", daily_to="06:00"), price(0.4, daily_from="06:00", daily_to="22:00")]


def charged(from_utc: datetime, seconds: float) -> pl.DataFrame:
    """7 kW from an instant on, told once a minute, then driven off."""
    return (
        Car(from_utc - timedelta(hours=1), step_s=60.0, soc=0.0).drive(H).charge(seconds).rest(900).drive(600).frame()
    )


@pytest.mark.parametrize(
    ("begins", "hours_utc", "night_hours"),
    [
        (datetime(2026, 3, 27, 20, tzinfo=UTC), 3, 2),  # Berlin 21:00 to 24:00, an hour ahead
        (datetime(2026, 3, 28, 20, tzinfo=UTC), 9, 7),  # 21:00 to 7:00 in a night of seven hours
        (datetime(2026, 3, 29, 19, tzinfo=UTC), 3, 2),  # 21:00 to 24:00, two hours ahead
    ],
)
def test_a_night_tariff_follows_the_clock_of_the_vehicle_over_the_change_to_summer_time(
    begins: datetime, hours_utc: int, night_hours: int
) -> None:
    known = fleet(timezone="Europe/Berlin", prices=NIGHT)
    found = made(charging_sessions, charged(begins, hours_utc * H), known)
    expected = 7 * (0.2 * night_hours + 0.4 * (hours_utc - night_hours))
    assert found["cost"].to_list() == [pytest.approx(expected, rel=0.005)]
    assert found["currency"].to_list() == ["EUR"]
    by_hour = made(charging_hours, charged(begins, hours_utc * H), known)
    assert by_hour["cost"].sum() == pytest.approx(found["cost"].sum())
    assert by_hour["local_hour"].n_unique() == by_hour.height


def test_what_the_charger_gave_is_paid_for_where_it_was_measured_else_what_the_battery_took() -> None:
    begins = datetime(2026, 3, 10, 8, tzinfo=UTC)
    telemetry = charged(begins, 2 * H)
    known = fleet(prices=[price(0.5)])
    assert made(power_sessions, telemetry, known)["cost"].to_list() == [pytest.approx(7.0, rel=0.01)]
    unmetered = telemetry.with_columns(charger_power_kw=pl.lit(None, dtype=pl.Float64))
    assert made(power_sessions, unmetered, known)["cost"].to_list() == [pytest.approx(6.3, rel=0.01)]


def test_a_charge_in_a_zone_costs_the_price_of_the_zone() -> None:
    telemetry = charged(datetime(2026, 3, 10, 8, tzinfo=UTC), 2 * H).with_columns(
        latitude_deg=pl.lit(48.0), longitude_deg=pl.lit(9.0)
    )
    depot: dict[str, object] = {"zone_id": "depot", "latitude_deg": 48.0, "longitude_deg": 9.0, "radius_m": 200.0}
    known = fleet(prices=[price(0.5), price(0.1, zone="depot")], zones=[depot])
    found = made(charging_sessions, telemetry, known)
    assert (found["zone_id"].to_list(), found["cost"].to_list()) == (["depot"], [pytest.approx(1.4, rel=0.01)])
    assert (found["latitude_deg"].to_list(), found["longitude_deg"].to_list()) == ([48.0], [9.0])


def test_a_charge_over_a_change_of_currency_has_no_cost_and_its_hours_have_theirs() -> None:
    begins = datetime(2026, 3, 10, 8, tzinfo=UTC)
    change = begins + timedelta(hours=1)
    known = fleet(prices=[price(0.5, valid_to=change), price(0.5, currency="CHF", valid_from=change)])
    telemetry = charged(begins, 2 * H)
    assert made(charging_sessions, telemetry, known).select("cost", "currency").rows() == [(None, None)]
    told = made(charging_hours, telemetry, known).sort("hour_at").filter(pl.col("energy_ac_kwh") > 1)
    assert told["currency"].to_list() == ["EUR", "CHF"]


def test_without_a_price_there_is_no_cost() -> None:
    telemetry = charged(datetime(2026, 3, 10, 8, tzinfo=UTC), 2 * H)
    assert made(charging_sessions, telemetry, window=ANY).select("cost", "currency").rows() == [(None, None)]
