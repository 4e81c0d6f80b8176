"""Amounts are priced by what was in force when and where they were bought, and currencies are never added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import ENERGY_PRICES, TIMESTAMP
from fleet_assets.core.prices import cost_sums, with_cost

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NO_VEHICLES = pl.DataFrame(schema={"vehicle_id": pl.String, "timezone": pl.String})
IN_BERLIN = pl.DataFrame({"vehicle_id": ["van"], "timezone": ["Europe/Berlin"]})


def price(value: float, **columns: object) -> dict[str, object]:
    row = {"kind": "electricity", "price": value, "currency": "EUR", "valid_from": datetime(2026, 1, 1, tzinfo=UTC)}
    return row | columns


def prices(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ENERGY_PRICES.schema)


def part(at: datetime, until: datetime, amount: float | None = 10.0, **columns: object) -> dict[str, object]:
    return {"vehicle_id": "van", "kind": "electricity", "zone_id": None, "at": at, "until": until, "amount": amount} | (
        columns
    )


PART: dict[str, pl.DataType | type[pl.DataType]] = {
    "vehicle_id": pl.String, "kind": pl.String, "zone_id": pl.String, "at": TIMESTAMP, "until": TIMESTAMP,
    "amount": pl.Float64,
}  # fmt: skip


def costs(
    parts: list[dict[str, object]], held: pl.DataFrame, vehicles: pl.DataFrame = NO_VEHICLES
) -> list[tuple[float | None, str | None]]:
    found = with_cost(pl.DataFrame(parts, schema=PART), held, vehicles, "UTC")
    rounded = found.select(pl.col("cost").round(9), "currency").rows()
    return [(cost, currency) for cost, currency in rounded]


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_an_amount_costs_what_was_in_force_when_it_was_bought() -> None:
    held = prices(
        price(0.3, valid_to=NOON + hours(1)),
        price(0.5, valid_from=NOON + hours(1)),
        price(1.7, kind="diesel"),
    )
    parts = [
        part(NOON, NOON + hours(1)),
        part(NOON + hours(1), NOON + hours(2)),
        part(NOON, NOON, 40.0, kind="diesel"),
    ]
    assert costs(parts, held) == [(3.0, "EUR"), (5.0, "EUR"), (68.0, "EUR")]


def test_a_price_that_changes_within_a_part_holds_for_its_share_of_the_time() -> None:
    held = prices(price(0.3, valid_to=NOON + hours(0.25)), price(0.5, valid_from=NOON + hours(0.25)))
    assert costs([part(NOON, NOON + hours(1))], held) == [(0.25 * 3 + 0.75 * 5, "EUR")]


def test_a_price_of_the_zone_comes_before_one_for_everywhere_as_long_as_it_holds() -> None:
    held = prices(price(0.5), price(0.2, zone="depot", valid_to=NOON + hours(0.5)))
    parts = [part(NOON, NOON + hours(1), zone_id=zone) for zone in ("depot", "street", None)]
    assert costs(parts, held) == [(3.5, "EUR"), (5.0, "EUR"), (5.0, "EUR")]


def test_a_daily_window_over_midnight_is_of_the_local_day_of_the_vehicle() -> None:
    held = prices(price(0.2, daily_from="22:30", daily_to="06:00"), price(0.4, daily_from="06:00", daily_to="22:30"))
    in_winter = datetime(2026, 1, 15, tzinfo=UTC)
    # Berlin is an hour ahead: 21:00 UTC is 22:00, half an hour before the night begins; 4:30 UTC is 5:30.
    parts = [
        part(in_winter + hours(21), in_winter + hours(22)),
        part(in_winter + hours(23), in_winter + hours(24)),
        part(in_winter + hours(4.5), in_winter + hours(5.5)),
        part(in_winter + hours(21.5), in_winter + hours(21.5)),
    ]
    assert costs(parts, held, IN_BERLIN) == [(3.0, "EUR"), (2.0, "EUR"), (3.0, "EUR"), (2.0, "EUR")]


@pytest.mark.parametrize(
    ("first_hour", "expected"),
    [
        (datetime(2026, 3, 29, 0, tzinfo=UTC), [2.0, 4.0, 4.0]),  # 1:00, then 3:00: the window begins at 2:00
        (datetime(2026, 10, 25, 0, tzinfo=UTC), [4.0, 4.0, 2.0]),  # 2:00 comes twice, then 3:00
    ],
)
def test_daily_windows_follow_the_clock_over_both_changes_of_the_year(
    first_hour: datetime, expected: list[float]
) -> None:
    until = "05:00" if first_hour.month == 3 else "03:00"
    held = prices(price(0.4, daily_from="02:00", daily_to=until), price(0.2, daily_from=until, daily_to="02:00"))
    parts = [part(first_hour + hours(k), first_hour + hours(k + 1)) for k in range(3)]
    assert [cost for cost, _ in costs(parts, held, IN_BERLIN)] == expected


def test_what_has_no_price_for_some_of_its_time_has_no_cost() -> None:
    held = prices(price(0.3, valid_to=NOON + hours(0.5)))
    parts = [part(NOON, NOON + hours(1)), part(NOON, NOON + hours(0.5)), part(NOON, NOON + hours(0.5), None)]
    assert costs(parts, held) == [(None, None), (3.0, "EUR"), (None, None)]


def test_without_any_price_nothing_has_a_cost() -> None:
    assert costs([part(NOON, NOON + hours(1))], prices()) == [(None, None)]
    assert costs([], prices(price(0.3))) == []


def test_amounts_of_two_currencies_are_not_added() -> None:
    held = prices(price(0.3, valid_to=NOON + hours(1)), price(0.5, currency="CHF", valid_from=NOON + hours(1)))
    across = part(NOON + hours(0.5), NOON + hours(1.5))
    parts = [part(NOON, NOON + hours(1)), part(NOON + hours(1), NOON + hours(2)), across]
    assert costs(parts, held) == [(3.0, "EUR"), (5.0, "CHF"), (None, None)]
    priced = with_cost(pl.DataFrame(parts, schema=PART), held, NO_VEHICLES, "UTC")
    assert priced.head(2).select(*cost_sums()).rows() == [(None, None)]
    assert priced.head(1).select(*cost_sums()).rows() == [(3.0, "EUR")]


def test_prices_without_a_currency_are_of_one_without_name() -> None:
    held = prices(price(0.3, currency=None))
    assert costs([part(NOON, NOON + hours(1))], held) == [(3.0, None)]


@settings(max_examples=50, deadline=None)
@given(
    minutes=st.lists(st.integers(0, 4 * 24 * 60), min_size=2, max_size=6, unique=True),
    windows=st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda pair: pair[0] != pair[1]),
    change=st.integers(0, 4 * 24 * 60),
)
def test_a_cost_is_the_sum_of_the_costs_of_its_pieces(
    minutes: list[int], windows: tuple[int, int], change: int
) -> None:
    start = datetime(2026, 3, 27, tzinfo=UTC)  # clocks change on the third day
    low, high = (f"{minute // 60:02}:{minute % 60:02}" for minute in windows)
    changed = start + timedelta(minutes=change)
    held = prices(
        price(0.4, daily_from=low, daily_to=high, valid_to=changed),
        price(0.3, daily_from=high, daily_to=low, valid_to=changed),
        price(0.6, valid_from=changed),
    )
    instants = [start + timedelta(minutes=minute) for minute in sorted(minutes)]
    length = instants[-1] - instants[0]
    pieces = [part(a, b, 10.0 * ((b - a) / length)) for a, b in pairwise(instants)]
    cut = with_cost(pl.DataFrame(pieces, schema=PART), held, IN_BERLIN, "UTC")
    ((whole, _),) = costs([part(instants[0], instants[-1])], held, IN_BERLIN)
    assert whole is not None
    assert cut["cost"].sum() == pytest.approx(whole, abs=1e-8)
    assert 3.0 - 1e-8 <= whole <= 6.0 + 1e-8


@settings(max_examples=30, deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 900)), min_size=1, max_size=8),
    random=st.randoms(use_true_random=False),
)
def test_the_order_of_parts_and_of_prices_changes_no_digit_of_a_cost(
    spans: list[tuple[int, int]], random: Random
) -> None:
    start = datetime(2026, 3, 28, tzinfo=UTC)
    rows = [
        price(0.31, daily_from="06:10", daily_to="22:00"),
        price(0.17, daily_from="22:00", daily_to="06:10"),
        price(0.29, zone="depot", valid_to=start + hours(20)),
        price(0.23, zone="depot", valid_from=start + hours(30)),
    ]
    parts = [
        part(start + timedelta(minutes=since), start + timedelta(minutes=since + length), length / 7, zone_id=zone)
        for since, length in spans
        for zone in (None, "depot")
    ]
    told = with_cost(pl.DataFrame(parts, schema=PART), prices(*rows), IN_BERLIN, "UTC")
    mixed = [*range(len(parts))]
    random.shuffle(mixed)
    random.shuffle(rows)
    again = with_cost(pl.DataFrame([parts[k] for k in mixed], schema=PART), prices(*rows), IN_BERLIN, "UTC")
    assert_frame_equal(again, told[mixed], check_exact=True)
