"""What refuels cost: the price in force then and there, of the vehicle's own fuel, with its currency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from fleet_assets.contracts import ENERGY_PRICES, VEHICLES
from fleet_assets.core.fuel.events import _priced
from fleet_assets.core.fuel.rules import FuelEventRules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FLEET = pl.DataFrame(
    {"vehicle_id": ["van-1", "van-2", "van-3"], "fuel": ["diesel", "petrol", None]},
    schema_overrides={"fuel": pl.String},
).select(
    pl.col(name) if name in ("vehicle_id", "fuel") else pl.lit(None, dtype=dtype).alias(name)
    for name, dtype in VEHICLES.schema.items()
)


def price(kind: str, amount: float, since: datetime, until: datetime | None = None, **more: str) -> dict[str, object]:
    return {
        "kind": kind,
        "price": amount,
        "currency": "EUR",
        "per": "l",
        "valid_from": since,
        "valid_to": until,
        **more,
    }


def costs(
    prices: Sequence[dict[str, object]], *events: tuple[str, str, float | None, str | None]
) -> list[tuple[object, ...]]:
    frame = pl.DataFrame(
        [
            {"vehicle_id": vehicle, "kind": kind, "started_at": NOON, "ended_at": NOON + timedelta(minutes=4),
             "volume_l": litres, "zone_id": zone}
            for vehicle, kind, litres, zone in events
        ],
        schema={
            "vehicle_id": pl.String, "kind": pl.String, "started_at": pl.Datetime("us", "UTC"),
            "ended_at": pl.Datetime("us", "UTC"), "volume_l": pl.Float64, "zone_id": pl.String,
        },
    )  # fmt: skip
    table = pl.DataFrame([*prices], schema=ENERGY_PRICES.schema)
    return _priced(frame, FLEET, table, FuelEventRules()).select("cost", "currency").rows()


def test_a_refuel_costs_its_litres_at_the_price_of_the_vehicles_fuel() -> None:
    prices = [price("diesel", 1.5, NOON - timedelta(days=9)), price("petrol", 2.0, NOON - timedelta(days=9))]
    assert costs(prices, ("van-1", "refuel", 100.0, None), ("van-2", "refuel", 10.0, None)) == [
        (150.0, "EUR"), (20.0, "EUR"),
    ]  # fmt: skip


def test_the_price_is_that_of_the_day_and_of_the_zone_before_that_of_everywhere() -> None:
    change = NOON - timedelta(hours=1)
    prices = [
        price("diesel", 1.0, NOON - timedelta(days=9), change), price("diesel", 1.5, change),
        price("diesel", 1.2, NOON - timedelta(days=9), zone="depot"),
    ]  # fmt: skip
    assert costs(prices, ("van-1", "refuel", 100.0, None), ("van-1", "refuel", 100.0, "depot")) == [
        (150.0, "EUR"), (120.0, "EUR"),
    ]  # fmt: skip


def test_what_was_lost_has_its_worth_and_a_fault_has_none() -> None:
    prices = [price("diesel", 1.5, NOON - timedelta(days=9))]
    found = costs(prices, ("van-1", "theft", 40.0, None), ("van-1", "sensor_fault", 40.0, None))
    assert found == [(60.0, "EUR"), (None, None)]


def test_without_litres_fuel_or_price_there_is_no_cost() -> None:
    prices = [price("diesel", 1.5, NOON - timedelta(days=9))]
    found = costs(
        prices, ("van-1", "refuel", None, None), ("van-2", "refuel", 9.0, None), ("van-3", "refuel", 9.0, None)
    )
    assert found == [(None, None)] * 3
