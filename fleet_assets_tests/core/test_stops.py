"""Stops: which stays there are between trips, what kind they were, and that each is there once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import ENERGY_PRICES, FUEL_EVENTS, POWER_SESSIONS, STOPS, TRIPS, ZONES, check_frame
from fleet_assets.contracts.errors import DataError
from fleet_assets.core.charging import ChargingRules, charging_periods, power_sessions
from fleet_assets.core.charging.found import Fleet
from fleet_assets.core.standing import StandingRules, standing_periods
from fleet_assets.core.stops import Happened, StopRules, derive_stops
from fleet_assets.core.window import Window
from fleet_assets_tests.core.fuel import tanks
from fleet_assets_tests.core.histories import DAY, NOON, Vehicle, fleet, telemetry, trips_of, vehicle, whole

LOOK_BACK = STOPS.look_back


def _zones(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ZONES.schema)


def _powered(history: pl.DataFrame, of: Window) -> pl.DataFrame:
    periods = charging_periods(history.lazy(), ChargingRules())
    known = Fleet(fleet().lazy(), ZONES.empty().lazy(), ENERGY_PRICES.empty().lazy())
    return power_sessions(periods, known, of, ChargingRules()).collect()


def _stops(history: pl.DataFrame, *, zones: pl.DataFrame | None = None, vehicles: pl.DataFrame | None = None,
           window: Window | None = None, fuel_events: pl.DataFrame | None = None,
           sessions: pl.DataFrame | None = None) -> pl.DataFrame:  # fmt: skip
    """Stops of a history with its own power sessions, and with the fuel events that are given."""
    usual = whole(history)
    of = window or Window(usual.day_start - LOOK_BACK, usual.day_start, usual.day_end)

    def closed(events: pl.DataFrame) -> pl.LazyFrame:
        return events.lazy().filter(pl.col("closed_at").is_between(of.start, of.day_end, closed="left"))

    powered = _powered(history, Window(of.start - LOOK_BACK, of.start, of.day_end)) if sessions is None else sessions
    happened = Happened(closed(FUEL_EVENTS.empty() if fuel_events is None else fuel_events), closed(powered))
    periods = standing_periods(history.lazy(), StandingRules()).collect()
    seen = periods.filter(pl.col("started_at").is_between(of.start, of.day_end, closed="left"))
    found = derive_stops(
        closed(trips_of(history)), seen.lazy(), happened, (_zones() if zones is None else zones).lazy(),
        (fleet() if vehicles is None else vehicles).lazy(), of,
    ).collect()  # fmt: skip
    check_frame(STOPS, found)
    return found


def _event(since: float, until: float, final: float, kind: str = "refuel") -> pl.DataFrame:
    """A fuel event from minutes to minutes after noon, final at a minute."""
    since_at, until_at, final_at = (NOON + timedelta(minutes=minutes) for minutes in (since, until, final))
    known = {
        "event_id": kind, "vehicle_id": "a", "kind": kind, "started_at": since_at, "ended_at": until_at,
        "closed_at": final_at, "local_date": NOON.date(), "is_truncated": False, "rules_version": "x",
    }  # fmt: skip
    return FUEL_EVENTS.conform(pl.DataFrame([known], schema={n: FUEL_EVENTS.schema[n] for n in known}).lazy()).collect()


def _two_trips(begin: datetime = NOON, **values: object) -> Vehicle:
    between = vehicle(at=begin).drive(600, fuel_level_pct=40.0).stand(3600, **values)
    return between.drive(600, fuel_level_pct=40.0).stand(600)


def test_no_trip_gives_no_stop() -> None:
    assert_frame_equal(_stops(telemetry()), STOPS.empty())


def test_one_trip_after_an_unknown_past_gives_no_stop() -> None:
    assert _stops(vehicle().drive(600).stand(600).frame()).is_empty()


def test_a_stay_between_two_trips_is_one_stop() -> None:
    (stop,) = _stops(_two_trips().frame()).rows(named=True)
    said = {name: stop[name] for name in ("started_at", "ended_at", "closed_at", "duration_s", "kind", "is_truncated")}
    assert said == {
        "started_at": NOON + timedelta(seconds=590), "ended_at": NOON + timedelta(seconds=4200),
        "closed_at": NOON + timedelta(seconds=4200 + 4200), "duration_s": 3610.0, "kind": "parking",
        "is_truncated": False,
    }  # fmt: skip
    assert stop["idle_fuel_l"] is None
    assert stop["zone_id"] is None


def test_standing_before_the_first_trip_is_a_stop_from_the_first_word_on() -> None:
    (stop,) = _stops(vehicle().stand(3600).drive(600).stand(600).frame()).rows(named=True)
    assert (stop["started_at"], stop["duration_s"]) == (NOON, 3600.0)


def test_a_stop_without_any_word_in_it_is_known_by_its_trips() -> None:
    quiet = vehicle("speed_kmh", "latitude_deg", "longitude_deg").drive(600).silent(50_000).drive(600).stand(600)
    (stop,) = _stops(quiet.frame()).rows(named=True)
    assert stop["latitude_deg"] is not None
    assert stop["engine_on_s"] is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"engine_speed_rpm": 700.0}, "idling"),
        ({"engine_speed_rpm": 0.0}, "parking"),
        ({"is_charger_connected": True}, "parking"),
        ({"is_charger_connected": True, "charger_power_kw": 7.0}, "charging"),
        ({"is_charger_connected": True, "charger_power_kw": 7.0, "engine_speed_rpm": 0.0}, "charging"),
    ],
)
def test_the_kind_is_what_happened(values: dict[str, float], kind: str) -> None:
    assert _stops(_two_trips(NOON, **values).frame())["kind"].to_list() == [kind]


def test_a_cable_that_was_tried_on_is_no_charge() -> None:
    charged = {"is_charger_connected": True, "charger_power_kw": 7.0}
    between = vehicle(step_s=10).drive(600).stand(900).stand(200, **charged).stand(900, charger_power_kw=0.0)
    history = between.drive(600).stand(600).frame()
    assert _powered(history, whole(history)).height == 1
    assert _stops(history)["kind"].to_list() == ["parking"]


def test_a_refuel_in_a_stay_makes_it_refuelling_and_so_does_no_other_event() -> None:
    history = _two_trips().frame()
    assert _stops(history, fuel_events=_event(9, 30, 100))["kind"].to_list() == ["refuelling"]
    assert _stops(history, fuel_events=_event(9, 30, 100, "theft"))["kind"].to_list() == ["parking"]


def test_a_refuel_whose_middle_lies_in_a_trip_makes_no_stop_of_it() -> None:
    history = _two_trips().frame()
    assert _stops(history, fuel_events=_event(2, 12, 100))["kind"].to_list() == ["parking"]
    assert _stops(history, fuel_events=_event(68, 76, 100))["kind"].to_list() == ["parking"]


def test_what_becomes_final_after_the_stop_decides_nothing_of_it() -> None:
    """It began to drive after 70 min, so the stop is final after 140."""
    history = _two_trips().frame()
    assert _stops(history, fuel_events=_event(9, 30, 140))["kind"].to_list() == ["refuelling"]
    assert _stops(history, fuel_events=_event(9, 30, 141))["kind"].to_list() == ["parking"]


def test_a_level_that_is_higher_after_the_stay_is_no_refuel_by_itself() -> None:
    history = vehicle().drive(600, fuel_level_pct=20.0).stand(900).drive(600, fuel_level_pct=80.0).stand(600).frame()
    (stop,) = _stops(history).rows(named=True)
    assert (stop["kind"], stop["fuel_level_change_pct"]) == ("parking", 60.0)


def test_a_tank_that_is_filled_up_in_a_stay_is_found_by_the_time_the_stop_is_final() -> None:
    tank = tanks.Tank().works(3).drive(30).stand(4).fill(120).stand(3).drive(50).stand(60)
    history = tank.frame()
    events = tanks.events_of(history)
    assert events["kind"].to_list() == ["refuel"]
    stops = _stops(history, fuel_events=events)
    (filled,) = stops.filter(pl.col("kind") == "refuelling").rows(named=True)
    assert filled["duration_s"] == pytest.approx(600, abs=15)
    assert events["closed_at"].item() <= filled["closed_at"]


def test_a_zero_of_the_sender_and_its_return_are_no_refuel() -> None:
    tank = tanks.Tank().works(3).drive(30).stand(10)
    history = tank.stand(20, fuel_level_pct=0.0).drive(50).stand(60).frame()
    assert set(_stops(history, fuel_events=tanks.events_of(history))["kind"]) == {"parking"}


def test_a_stop_is_final_within_the_time_that_its_table_declares() -> None:
    assert timedelta(seconds=StopRules().events_final_s) <= STOPS.final_within


def test_a_drive_that_nobody_saw_ends_the_stop_before_it() -> None:
    moved = vehicle("speed_kmh", "odometer_km").drive(600).stand(400).silent(40_000, kmh=3.6).drive(600).stand(600)
    (stop,) = _stops(moved.frame()).rows(named=True)
    assert (stop["duration_s"], stop["unobserved_km"]) == (400, pytest.approx(0, abs=0.2))


def test_the_zone_is_the_smallest_that_holds_the_stay() -> None:
    place = {"latitude_deg": 50.0, "longitude_deg": 10.0}
    zones = _zones(
        {"zone_id": "depot", "radius_m": 500.0, **place}, {"zone_id": "yard", "radius_m": 50.0, **place},
        {"zone_id": "far", "radius_m": 500.0, "latitude_deg": 51.0, "longitude_deg": 10.0},
        {"zone_id": "county", "polygon": "POLYGON ((9 49, 11 49, 11 51, 9 51, 9 49))"},
    )  # fmt: skip
    history = _two_trips(NOON, **place).frame()
    assert _stops(history, zones=zones)["zone_id"].to_list() == ["yard"]
    assert _stops(history, zones=zones.filter(pl.col("zone_id") == "county"))["zone_id"].to_list() == ["county"]


def test_a_polygon_that_is_none_is_named() -> None:
    broken = _zones({"zone_id": "x", "polygon": "POLYGON ((9 49, 11 49))"})
    with pytest.raises(DataError, match="is not a WKT POLYGON"):
        _stops(_two_trips(latitude_deg=50.0, longitude_deg=10.0).frame(), zones=broken)


def test_local_dates_follow_the_vehicle() -> None:
    late = _two_trips(datetime(2024, 5, 14, 22, 30, tzinfo=UTC)).frame()
    home = fleet({"vehicle_id": "a", "timezone": "Europe/Madrid"})
    assert _stops(late, vehicles=home)["local_date"].to_list() == [date(2024, 5, 15)]


def test_a_fortnight_of_parking_is_one_stop() -> None:
    history = vehicle(step_s=60).drive(600).stand(600).silent(14 * 86_400).drive(600).stand(600).frame()
    assert _stops(history)["duration_s"].to_list() == [pytest.approx(14 * 86_400 + 630)]


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from([60, 600, 30_000]), st.sampled_from([100, 400, 20_000, 70_000])),
             min_size=1, max_size=10),
    st.lists(st.tuples(st.integers(0, 5000), st.sampled_from([1, 20, 300]), st.sampled_from([0, 60, 1500])),
             max_size=8),
)  # fmt: skip
@settings(max_examples=40)
def test_day_by_day_equals_one_full_rebuild_and_stops_fill_the_time_between_trips(
    parts: list[tuple[int, int]], refuels: list[tuple[int, int, int]]
) -> None:
    said = Vehicle("a", NOON, step_s=60, columns=("speed_kmh", "odometer_km"))
    for seconds, pause in parts:
        said = said.drive(min(seconds, 1200)).stand(pause % 1000).silent(pause)
    history = said.frame()
    filled = pl.concat([FUEL_EVENTS.empty(), *(_event(at, at + for_, at + for_ + late) for at, for_, late in refuels)])
    stops_of = partial(_stops, history, fuel_events=filled, sessions=POWER_SESSIONS.empty())
    full = stops_of()
    days = whole(history)
    daily = [
        stops_of(window=Window(day - LOOK_BACK, day, day + DAY))
        for day in pl.datetime_range(days.day_start, days.day_end, DAY, closed="left", eager=True)
    ]
    assert_frame_equal(pl.concat(daily).sort(STOPS.order), full)
    trips = trips_of(history)
    after_a_trip = full.filter(pl.col("started_at") >= trips["ended_at"].min())
    assert after_a_trip["started_at"].to_list() == trips["ended_at"].to_list()[:-1]
    assert after_a_trip["ended_at"].to_list() == trips["started_at"].to_list()[1:]
    assert TRIPS.look_back < LOOK_BACK
