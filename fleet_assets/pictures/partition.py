"""What stands beside a partition of events in Dagster's UI: the numbers that a person asks for, and one small picture.

Numbers are metadata that the UI draws over all partitions. Does not belong here: Dagster (`resources`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from fleet_assets.contracts import FUEL_EVENTS, FUEL_PLATEAUS, Table
from fleet_assets.pictures.charging import curve_picture
from fleet_assets.pictures.fuel import fuel_picture, with_case
from fleet_assets.pictures.trips import distances_picture, speed_picture

RowsOf = Callable[[Table, str, datetime, datetime], pl.DataFrame]
"""Rows of another table, of one vehicle, whose partition lies between two instants."""

Numbers = Mapping[str, float | str]
Draw = Callable[[pl.DataFrame, RowsOf, str], bytes | None]

AROUND = timedelta(days=2)
"""What is drawn before and after the largest event of a day."""


DOUBTFUL = 0.05
"""Share of a trip's time unseen, or of its distance uncertain, from which it is told as doubtful."""

TOLD = {"speed": "speed_kmh", "position": "latitude_deg", "fuel level": "fuel_level_pct", "state of charge": "soc_pct"}
"""What people look for in telemetry, and the column that tells it."""


@dataclass(frozen=True)
class Page:
    """Numbers by what they count, and a PNG where there is anything to draw."""

    numbers: Numbers = field(default_factory=dict)
    picture: bytes | None = None


def page_of(table: Table, rows: pl.DataFrame, rows_of: RowsOf, zone: str, *, is_drawn: bool = True) -> Page:
    """The page of one partition; an empty one of tables that have none of their own, and of no rows. Times are those of
    `zone`; without `is_drawn` there is no picture."""
    count, draw = _PAGES.get(table.name, (None, None))
    if count is None or rows.is_empty():
        return Page()
    return Page(count(rows), draw(rows, rows_of, zone) if draw and is_drawn else None)


def _trips(rows: pl.DataFrame) -> Numbers:
    return {
        "vehicles": rows["vehicle_id"].n_unique(),
        **_sums(rows, {"distance km": pl.col("distance_km").sum(), "longest km": pl.col("distance_km").max()}),
        **_sums(rows, {"driving h": _known("moving_s") / 3600, "fuel l": _known("fuel_used_l")}),
        **_sums(rows, {"energy kWh": _known("energy_used_kwh")}),
        "longest": _told(rows.sort("distance_km", "started_at").row(-1, named=True)),
        **_most_doubtful(rows),
    }


def _told(trip: Mapping[str, Any]) -> str:
    """Which trip it is, in a few words."""
    return f"{trip['vehicle_id']}, {trip['started_at']:%Y-%m-%d %H:%M} UTC, {trip['distance_km']:.1f} km"


def _most_doubtful(rows: pl.DataFrame) -> dict[str, str]:
    """The trip of which least was seen, or whose distance is least certain; nothing where all were seen whole."""
    error = (pl.col("distance_error_km") / pl.col("distance_km")).fill_nan(None).fill_null(0).clip(0, 1)
    unseen = 1 - pl.col("coverage_pct") / 100
    doubtful = rows.with_columns(doubt=pl.max_horizontal(error, unseen)).sort("doubt", "started_at")
    trip = doubtful.row(-1, named=True)
    if trip["doubt"] < DOUBTFUL:
        return {}
    error_km = trip["distance_error_km"]
    give = "" if error_km is None else f" ± {error_km:.1f} km"
    return {"most doubtful": f"{_told(trip)}{give}, {trip['coverage_pct']:.0f} % of its time observed"}


def _telemetry(rows: pl.DataFrame) -> Numbers:
    told = {f"rows with {name}": pl.col(column).count() for name, column in TOLD.items()}
    return {"vehicles": rows["vehicle_id"].n_unique(), **_sums(rows, told)}


def _busiest_speeds(rows: pl.DataFrame, rows_of: RowsOf, zone: str) -> bytes | None:
    """The speed of the vehicle that told most of it."""
    del rows_of
    speeds = rows.lazy().select("vehicle_id", "recorded_at", "speed_kmh").drop_nulls("speed_kmh").collect()
    if speeds.is_empty():
        return None
    vehicle = speeds.group_by("vehicle_id").len().sort("len", "vehicle_id")["vehicle_id"][-1]
    return speed_picture(vehicle, zone, speeds.filter(pl.col("vehicle_id") == vehicle))


def _hourly_use(rows: pl.DataFrame) -> Numbers:
    sums = {
        "distance km": _known("distance_km"), "moving h": _known("moving_s") / 3600,
        "idle h": _known("idle_s") / 3600, "fuel l": _known("fuel_used_l"), "energy kWh": _known("energy_used_kwh"),
    }  # fmt: skip
    return {"vehicles": rows["vehicle_id"].n_unique(), **_sums(rows, sums)}


def _trips_drawn(rows: pl.DataFrame, rows_of: RowsOf, zone: str) -> bytes:
    del rows_of, zone
    return distances_picture(rows)


def _stops(rows: pl.DataFrame) -> Numbers:
    return {**_counts(rows, "kind"), **_sums(rows, {"idle fuel l": _known("idle_fuel_l")})}


def _power_sessions(rows: pl.DataFrame) -> Numbers:
    return {**_counts(rows, "charge_type"), **_sums(rows, {"energy kWh": _known("energy_added_kwh")})}


def _largest_curve(rows: pl.DataFrame, rows_of: RowsOf, zone: str) -> bytes | None:
    """The charging curve of the session with most energy."""
    del rows_of
    drawn = rows.filter(pl.col("curve") != "[]").sort("energy_added_kwh", "started_at", nulls_last=False)
    if drawn.is_empty():
        return None
    largest = drawn.row(-1, named=True)
    energy, kind = largest["energy_added_kwh"], largest["charge_type"] or "type unknown"
    said = f"{energy:.1f} kWh, {kind}" if energy is not None else kind
    return curve_picture(largest["vehicle_id"], zone, _curve(largest["curve"], largest["started_at"]), said)


def _curve(text: str, started_at: datetime) -> pl.DataFrame:
    seconds, power, charge = (list(values) for values in zip(*json.loads(text), strict=True))
    frame = pl.DataFrame({"s": seconds, "power_kw": power, "soc_pct": charge}, schema_overrides={"s": pl.Float64})
    at = pl.lit(started_at) + pl.duration(microseconds=(pl.col("s") * 1e6).cast(pl.Int64))
    return frame.select(at.alias("at"), "power_kw", "soc_pct")


def _charging_sessions(rows: pl.DataFrame) -> Numbers:
    return _sums(rows, {"plugged h": _known("plugged_s") / 3600, "energy kWh": _known("energy_added_kwh")})


def _fuel_events(rows: pl.DataFrame) -> Numbers:
    kinds = rows["kind"].unique().sort()
    litres = {f"{kind} l".replace("_", " "): _known("volume_l", pl.col("kind") == kind) for kind in kinds}
    return {**_counts(rows, "kind"), **_sums(rows, litres)}


def _largest_event(rows: pl.DataFrame, rows_of: RowsOf, zone: str) -> bytes | None:
    """The tank of the vehicle with the largest event, some days around it."""
    size = pl.coalesce("volume_l", (pl.col("level_after_pct") - pl.col("level_before_pct")).abs()).fill_null(0)
    largest = rows.sort(size, "started_at").row(-1, named=True)
    vehicle, since, until = largest["vehicle_id"], largest["started_at"] - AROUND, largest["ended_at"] + AROUND
    plateaus = rows_of(FUEL_PLATEAUS, vehicle, since, until)
    near = rows.filter(
        pl.col("vehicle_id") == vehicle, pl.col("started_at") < pl.lit(until), pl.col("ended_at") > pl.lit(since)
    )
    return fuel_picture(vehicle, zone, plateaus, near) if plateaus.height else None


def _theft_scores(rows: pl.DataFrame) -> Numbers:
    return {
        "candidates": rows.height,
        **_sums(rows, {"expected thefts": pl.col("probability").sum(), "highest %": 100 * pl.col("probability").max()}),
    }


def _most_probable(rows: pl.DataFrame, rows_of: RowsOf, zone: str) -> bytes | None:
    """The tank of the vehicle with the most probable theft, some days around it."""
    return _tank_around(rows.sort("probability", "started_at").row(-1, named=True), rows_of, zone)


def _alarms(rows: pl.DataFrame) -> Numbers:
    return {"vehicles": rows["vehicle_id"].n_unique(), **_counts(rows, "kind")}


def _first_alarm(rows: pl.DataFrame, rows_of: RowsOf, zone: str) -> bytes | None:
    """The tank of the first alarm that is about one."""
    of_tanks = rows.filter(pl.col("kind").is_in(["theft", "slow_loss"])).sort("closed_at", "alarm_id")
    if of_tanks.is_empty():
        return None
    alarm = of_tanks.row(0, named=True)
    return _tank_around(alarm | {"ended_at": alarm["recorded_at"]}, rows_of, zone)


def _tank_around(fall: Mapping[str, Any], rows_of: RowsOf, zone: str) -> bytes | None:
    """The tank of a vehicle around a fall, with the fuel events there, and the fall where it is none of them."""
    vehicle, since, until = fall["vehicle_id"], fall["started_at"] - AROUND, fall["ended_at"] + AROUND
    plateaus = rows_of(FUEL_PLATEAUS, vehicle, since, until)
    if plateaus.is_empty():
        return None
    # An event lies in the partition of the day in which it became final.
    events = rows_of(FUEL_EVENTS, vehicle, since, until + AROUND).filter(
        pl.col("started_at") < pl.lit(until), pl.col("ended_at") > pl.lit(since)
    )
    is_there = fall["event_id"] in events["event_id"]
    return fuel_picture(vehicle, zone, plateaus, events if is_there else with_case(events, {**fall, "kind": None}))


def _fuel_plateaus(rows: pl.DataFrame) -> Numbers:
    return {"vehicles": rows["vehicle_id"].n_unique(), **_counts(rows, "quality")}


_PAGES: dict[str, tuple[Callable[[pl.DataFrame], Numbers], Draw | None]] = {
    "trips": (_trips, _trips_drawn), "stops": (_stops, None), "power_sessions": (_power_sessions, _largest_curve),
    "charging_sessions": (_charging_sessions, None), "fuel_events": (_fuel_events, _largest_event),
    "fuel_plateaus": (_fuel_plateaus, None), "theft_scores": (_theft_scores, _most_probable),
    "alarms": (_alarms, _first_alarm),
    "telemetry": (_telemetry, _busiest_speeds),
    "hourly_use": (_hourly_use, None),
}  # fmt: skip


def _known(column: str, rows: pl.Expr | None = None) -> pl.Expr:
    """The sum of what is known, of these rows or all; null where nothing is."""
    values = pl.col(column) if rows is None else pl.col(column).filter(rows)
    return pl.when(values.count() > 0).then(values.sum())


def _sums(rows: pl.DataFrame, sums: Mapping[str, pl.Expr]) -> Numbers:
    """Each sum by its name; what is not known is left out: it is no 0."""
    found = rows.select(total.round(1).alias(name) for name, total in sums.items()).row(0, named=True)
    return {name: total for name, total in found.items() if total is not None}


def _counts(rows: pl.DataFrame, column: str) -> dict[str, float]:
    """How many rows there are of each kind."""
    counts = rows.drop_nulls(column).group_by(column).len().sort(column)
    return {str(kind).replace("_", " "): count for kind, count in counts.iter_rows()}
