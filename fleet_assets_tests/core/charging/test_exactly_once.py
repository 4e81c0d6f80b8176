"""Charges do not depend on how the data were cut, ordered or repeated, and are published once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import CHARGING_HOURS, CHARGING_SESSIONS, POWER_SESSIONS, Table
from fleet_assets.core.charging import charging_hours, charging_periods, charging_sessions, power_sessions
from fleet_assets.core.window import Window
from fleet_assets_tests.core.charging.plugged import DAY, MONDAY, RULES, SIGNALS, Car, Made, fleet, made, periods_of

DAYS = 5
TABLES = [(POWER_SESSIONS, power_sessions), (CHARGING_SESSIONS, charging_sessions), (CHARGING_HOURS, charging_hours)]
PRICES: list[dict[str, object]] = [
    {"kind": "electricity", "price": price, "currency": "EUR", "valid_from": MONDAY - 60 * DAY, "daily_from": opens,
     "daily_to": closes}
    for price, opens, closes in ((0.2, "22:00", "06:00"), (0.4, "06:00", "22:00"))
]  # fmt: skip
KNOWN = fleet(prices=PRICES, timezone="Europe/Berlin")


@dataclass(frozen=True)
class Episode:
    """One thing that the car does: how long, how strongly it charges, what changes while it is silent."""

    does: str
    seconds: float
    kw: float
    soc: float
    km: float


_EPISODES = st.builds(
    Episode,
    does=st.sampled_from(["drive", "charge", "charge", "charge", "plugged", "rest", "silent", "silent"]),
    seconds=st.sampled_from([10.0, 60.0, 400.0, 880.0, 920.0, 1790.0, 1900.0, 3600.0, 5000.0, 20_000.0, 90_000.0]),
    kw=st.sampled_from([0.3, 0.6, 3.0, 7.0, 50.0]),
    soc=st.sampled_from([0.0, 0.3, 3.0, 20.0, -5.0]),
    km=st.sampled_from([0.0, 0.0, 0.0, 10.0]),
)


def _performed(car: Car, episodes: list[Episode]) -> Car:
    for one in episodes:
        if one.does == "drive":
            car = car.drive(min(one.seconds, 3600))
        elif one.does == "charge":
            car = car.charge(min(one.seconds, 20_000), kw=one.kw)
        elif one.does == "plugged":
            car = car.plugged(min(one.seconds, 3600), kw=one.kw if one.kw < 0.5 else 0.0)
        elif one.does == "rest":
            car = car.rest(min(one.seconds, 3600), rise=one.soc / 10)
        else:
            car = car.silent(one.seconds, soc=one.soc, km=one.km)
        if car.now > MONDAY + (DAYS - 1) * DAY:
            break
    return car


@st.composite
def _cars(draw: st.DrawFn) -> pl.DataFrame:
    begin = MONDAY + timedelta(seconds=draw(st.sampled_from([0, 50_000, 82_000, 86_395])))
    tells = draw(st.sampled_from([SIGNALS, SIGNALS, ("soc_pct",), ("hv_power_kw", "soc_pct"), ("charger_power_kw",)]))
    step = draw(st.sampled_from([10.0, 60.0, 400.0]))
    car = _performed(Car(begin, soc=30.0, tells=tells, step_s=step), draw(st.lists(_EPISODES, min_size=3, max_size=14)))
    return car.frame().filter(pl.col("recorded_at") < MONDAY + DAYS * DAY, pl.col("soc_pct").fill_null(0) <= 100)


ALL = Window(MONDAY - 31 * DAY, MONDAY, MONDAY + (DAYS + 8) * DAY)


@pytest.mark.parametrize(("table", "maker"), TABLES)
@given(_cars())
@settings(max_examples=15, deadline=None)
def test_day_by_day_equals_one_full_rebuild(table: Table, maker: Made, telemetry: pl.DataFrame) -> None:
    periods, daily = periods_of(telemetry), [table.empty()]
    for k in range(DAYS + 8):
        window = Window(MONDAY + (k - 31) * DAY, MONDAY + k * DAY, MONDAY + (k + 1) * DAY)
        seen = periods.filter(pl.col("started_at") < window.day_end)  # nothing that comes later
        daily.append(maker(seen.lazy(), KNOWN, window, RULES).collect())
        assert daily[-1]["closed_at"].is_between(window.day_start, window.day_end, closed="left").all()
    assert_frame_equal(pl.concat(daily).sort(table.order), made(maker, telemetry, KNOWN, ALL))


@given(_cars(), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_order_and_repetition_of_rows_change_nothing(telemetry: pl.DataFrame, seed: int) -> None:
    doubled = pl.concat([telemetry, telemetry.head(telemetry.height // 2)]).sample(
        fraction=1.0, shuffle=True, seed=seed
    )
    assert_frame_equal(charging_periods(doubled.lazy(), RULES).collect(), periods_of(telemetry))


@pytest.mark.parametrize("maker", [maker for _, maker in TABLES])
@given(_cars(), _cars())
@settings(max_examples=15, deadline=None)
def test_charges_of_a_vehicle_are_the_same_to_the_last_bit_whoever_else_is_charged(
    maker: Made, telemetry: pl.DataFrame, others: pl.DataFrame
) -> None:
    around = [others.with_columns(pl.lit(name).alias("vehicle_id")) for name in ("bus", "van")]
    among = made(maker, pl.concat([around[0], telemetry, around[1]]), KNOWN, ALL)
    alone = made(maker, telemetry, KNOWN, ALL)
    assert_frame_equal(among.filter(pl.col("vehicle_id") == "car"), alone, check_exact=True)


@given(_cars(), st.sampled_from([3, 6, 12, 18]))
@settings(max_examples=25, deadline=None)
def test_where_midnight_falls_changes_no_energy(telemetry: pl.DataFrame, hours: int) -> None:
    """The same some hours later is cut at other places, and has the same charges."""
    later = timedelta(hours=hours)
    here = made(power_sessions, telemetry, KNOWN, ALL)
    moved = telemetry.with_columns(pl.col("recorded_at") + later)
    there = made(power_sessions, moved, KNOWN, ALL).with_columns(pl.col("started_at", "ended_at", "closed_at") - later)
    told = [
        "vehicle_id", "started_at", "ended_at", "closed_at", "energy_added_kwh", "energy_ac_kwh", "energy_battery_kwh",
        "charging_s", "peak_power_kw", "start_soc_pct", "end_soc_pct", "charge_type", "energy_source",
    ]  # fmt: skip
    assert_frame_equal(here.select(told), there.select(told), rel_tol=1e-9, abs_tol=1e-9)


@given(_cars())
@settings(max_examples=25, deadline=None)
def test_hours_are_their_sessions_and_power_sessions_their_plug_ins(telemetry: pl.DataFrame) -> None:
    power, plugs, hours = (made(maker, telemetry, KNOWN, ALL) for _, maker in TABLES)
    sums = ["energy_added_kwh", "energy_ac_kwh", "charging_s", "cost"]
    by_hour = hours.group_by("power_session_id").agg(pl.col(sums).sum(), pl.len().alias("parts"))
    whole = power.select("power_session_id", pl.col(sums).fill_null(0))
    joined = whole.join(by_hour, on="power_session_id", how="left", suffix="_by_hour")
    for name in sums:
        assert joined[name].to_list() == pytest.approx(joined[f"{name}_by_hour"].fill_null(0).to_list(), abs=1e-9)
    assert set(power["session_id"]) <= set(plugs["session_id"])
    counted = power.group_by("session_id").len().sort("session_id").rows()
    held = plugs.filter(pl.col("power_session_count") > 0).sort("session_id")
    assert held.select("session_id", "power_session_count").rows() == counted


@given(_cars())
@settings(max_examples=25, deadline=None)
def test_charges_of_a_vehicle_do_not_overlap_and_close_no_sooner_than_they_end(telemetry: pl.DataFrame) -> None:
    power, plugs = (made(maker, telemetry, KNOWN, ALL) for _, maker in TABLES[:2])
    assert power.filter(pl.col("started_at") < pl.col("ended_at").shift(1).over("vehicle_id")).is_empty()
    assert power.filter(pl.col("closed_at") < pl.col("ended_at")).is_empty()
    assert plugs.filter(pl.col("plugged_at") < pl.col("ended_at").shift(1).over("vehicle_id")).is_empty()
    assert plugs.filter(pl.col("closed_at") < pl.max_horizontal("ended_at", "unplugged_at")).is_empty()
    assert plugs["session_id"].is_unique().all()
    assert power["power_session_id"].is_unique().all()


def test_a_rise_that_begins_with_the_only_row_of_a_charge_is_a_power_session_of_its_own() -> None:
    car = Car(MONDAY + timedelta(hours=8), step_s=400.0, soc=20.0).drive(2000).charge(400, kw=50.0)
    history = car.silent(1800, soc=10.0).drive(2000).frame()
    power, plugs = (made(maker, history, KNOWN, ALL) for _, maker in TABLES[:2])
    assert power["started_at"].to_list() == [power["started_at"][0]] * 2
    assert power["power_session_id"].n_unique() == 2
    assert plugs["power_session_count"].sum() == 2
