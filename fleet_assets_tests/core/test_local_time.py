"""Instants are told by the clock and calendar of where a vehicle is at home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl
import pytest

from fleet_assets.contracts import TIMESTAMP
from fleet_assets.contracts.errors import DataError
from fleet_assets.core.local_time import known_zones, with_local_clock, with_local_date, with_local_hour

NIGHT = datetime(2025, 3, 30, 23, 30, 15, 250, tzinfo=UTC)
"""The day on which summer time begins in Europe."""
HOMES = pl.DataFrame(
    {"vehicle_id": ["berlin", "kolkata", "nowhere"], "timezone": ["Europe/Berlin", "Asia/Kolkata", None]}
)


def events(*vehicles: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"vehicle_id": vehicles, "at": [NIGHT] * len(vehicles)}, schema={"vehicle_id": pl.String, "at": TIMESTAMP}
    )


def test_each_vehicle_has_its_own_date_hour_and_time_of_day() -> None:
    found = events("kolkata", "berlin", "nowhere", "unknown")
    for add in (with_local_date, with_local_hour, with_local_clock):
        found = add(found, HOMES, "America/New_York", "at")
    seconds = 30 * 60 + 15
    assert found.select("vehicle_id", "local_date", "local_hour", "local_us").rows() == [
        ("kolkata", date(2025, 3, 31), 5, 5 * 3_600_000_000 + 15_000_250),
        ("berlin", date(2025, 3, 31), 1, (3600 + seconds) * 1_000_000 + 250),
        ("nowhere", date(2025, 3, 30), 19, (19 * 3600 + seconds) * 1_000_000 + 250),
        ("unknown", date(2025, 3, 30), 19, (19 * 3600 + seconds) * 1_000_000 + 250),
    ]


Add = Callable[[pl.DataFrame, pl.DataFrame, str, str], pl.DataFrame]


@pytest.mark.parametrize(
    ("add", "kind"), [(with_local_date, pl.Date), (with_local_hour, pl.Int64), (with_local_clock, pl.Int64)]
)
def test_no_event_has_no_local_time_and_its_column_all_the_same(add: Add, kind: type[pl.DataType]) -> None:
    found = add(events(), HOMES, "UTC", "at")
    assert found.height == 0
    assert found.schema[found.columns[-1]] == kind


@pytest.mark.parametrize("add", [with_local_date, with_local_hour, with_local_clock])
@pytest.mark.parametrize("zone", ["Europe/Nowhere", "posix/Europe/Madrid", "localtime", "Factory", ""])
def test_what_is_no_zone_of_a_place_is_refused_in_words(add: Add, zone: str) -> None:
    with pytest.raises(DataError, match=f"'{zone}' is not an IANA time zone such as Europe/Madrid"):
        add(events("unknown"), HOMES, zone, "at")


def test_every_known_zone_is_one_that_instants_are_converted_to() -> None:
    instants = pl.Series([NIGHT], dtype=TIMESTAMP)
    assert len(known_zones()) > 400
    for zone in known_zones():
        assert instants.dt.convert_time_zone(zone).len() == 1
