"""Instants as people and programs write them: read where they say one thing, and the reason true where they do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.adapters.log_files import AnswerMissing
from fleet_assets.adapters.telemetry_files import TelemetryOptions, read_telemetry
from fleet_assets.adapters.telemetry_files.instants import Instants

TEN = datetime(2026, 3, 10, 10, tzinfo=UTC)


def utc(*texts: str, zone: ZoneInfo | None = None, unit: str = "") -> list[datetime | None]:
    return Instants.of(pl.Series(texts, dtype=pl.String), zone, unit).utc.to_list()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-10T10:00:00Z", "2026-03-10 10:00:00+00", "2026-03-10 11:00:00+01", "2026-03-10T15:30:00+05:30",
        "2026-03-10T15:30:00+0530", "2026-03-10T08:00:00-02", "2026-03-10T08:00:00\u221202:00", "2026-03-10T10:00Z",
        "2026-03-10T10Z", "20260310T100000Z", "20260310T1000Z", "20260310T113000+0130", "20260310 100000Z",
        "2026-03-10T10:00:00,000Z", "2026-03-10 10:00:00.000+00", "2026-03-10t10:00:00z", "2026-03-10 10:00:00 UTC",
        "2026-03-10  10:00:00 +00:00", "2026-03-10T10:00:00.0000004Z", "2026-03-10T09:59:59.9999999Z",
    ],
)  # fmt: skip
def test_iso_8601_is_read_as_it_is_written(text: str) -> None:
    assert utc(text) == [TEN]


@pytest.mark.parametrize(
    "text",
    ["2026-03-10", "10:00:00Z", "2026-02-30T10:00:00Z", "2026-03-10T25:00:00Z", "2026-03-10T10:00:00+25", "soon",
     "2026-03-10T10:00:00+00:75", "0000-03-10T10:00:00Z", "12026-03-10T10:00:00Z", "10.03.2026 10:00", "infinity",
     "2026-W11-2T10:00:00Z", "1773136800"],
)  # fmt: skip
def test_what_is_no_instant_becomes_none(text: str) -> None:
    assert utc(text) == [None]


@given(
    at=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    minutes=st.integers(-18 * 60, 18 * 60), digits=st.integers(0, 6), is_basic=st.booleans(), comma=st.booleans(),
    space=st.booleans(),
)  # fmt: skip
def test_any_way_of_writing_an_instant_gives_it(
    at: datetime, minutes: int, digits: int, is_basic: bool, comma: bool, space: bool
) -> None:
    try:
        local = at.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    fraction = f"{local.microsecond:06d}"[:digits]
    text = local.strftime("%Y").zfill(4) + local.strftime("%m%dT%H%M%S" if is_basic else "-%m-%dT%H:%M:%S")
    text = text.replace("T", " ") if space else text
    text += ("," if comma else ".") + fraction if fraction else ""
    sign, rest = ("-", -minutes) if minutes < 0 else ("+", minutes)
    text += f"{sign}{rest // 60:02d}" + ("" if is_basic else ":") + f"{rest % 60:02d}"
    kept = at.replace(microsecond=int(fraction.ljust(6, "0")))
    assert utc(text) == [kept]


@given(st.text(alphabet="0123456789-:TZ+., ", max_size=30))
def test_no_text_of_such_letters_raises(text: str) -> None:
    assert len(utc(text, zone=ZoneInfo("Europe/Madrid"), unit="ms")) == 1


@pytest.mark.parametrize(
    ("unit", "text", "expected"),
    [
        ("s", "1773136800", TEN), ("s", "1773136800.25", TEN + timedelta(milliseconds=250)),
        ("ms", "1773136800000", TEN),
        ("us", "1773136800000000", TEN), ("s", "1773136800,5", TEN + timedelta(milliseconds=500)),
        ("s", "99999999999999999", None), ("s", "2026-03-10T10:00:00Z", TEN),
    ],
)  # fmt: skip
def test_unix_time_is_read_in_the_unit_that_was_said(unit: str, text: str, expected: datetime | None) -> None:
    assert utc(text, unit=unit) == [expected]


def test_local_times_of_every_form_take_the_zone(tmp_path: Path) -> None:
    zone = ZoneInfo("Europe/Madrid")
    assert utc("2026-03-10 11:00:00", "20260310T110000", "2026-03-10T11:00", zone=zone) == [TEN] * 3
    (tmp_path / "a.csv").write_text("recorded_at,vehicle_id\n20260310T110000,v\n")
    with pytest.raises(AnswerMissing, match=r"give --timezone, e\.g\. Europe/Madrid \(the first is 20260310T110000\)"):
        list(read_telemetry(tmp_path / "a.csv", TelemetryOptions(), 10))


def test_a_last_line_without_an_end_is_set_aside(tmp_path: Path) -> None:
    text = "recorded_at,vehicle_id,odometer_km\n2026-03-10T10:00:00Z,v,1000.1\n2026-03-10T10:00:10Z,v,10"
    (tmp_path / "a.csv").write_text(text)
    chunks = list(read_telemetry(tmp_path / "a.csv", TelemetryOptions(), 10))
    assert [chunk.rows.get_column("odometer_km").to_list() for chunk in chunks] == [[1000.1]]
    assert [(reason.slug, rows.item(0, "line")) for chunk in chunks for reason, rows in chunk.rejected] == [
        ("torn-line", "2026-03-10T10:00:10Z,v,10")
    ]
    (tmp_path / "a.csv").write_text(text[:-3])
    chunks = list(read_telemetry(tmp_path / "a.csv", TelemetryOptions(), 10))
    assert [reason.slug for chunk in chunks for reason, _ in chunk.rejected] == ["ragged-line"]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("02-Jan-2026 12:00:00.250", datetime(2026, 1, 2, 11, 0, 0, 250_000, tzinfo=UTC)),
        ("2 jul 2026 12:00", datetime(2026, 7, 2, 10, tzinfo=UTC)),
        ("31-DEC-2026 12:00:00Z", datetime(2026, 12, 31, 12, tzinfo=UTC)),
        ("31-Abc-2026 12:00:00", None), ("30-Feb-2026 12:00:00", None), ("02-01-2026 12:00:00", None),
    ],
)  # fmt: skip
def test_a_month_that_is_named_leaves_no_doubt_about_the_day(text: str, utc: datetime | None) -> None:
    found = Instants.of(pl.Series([text]), ZoneInfo("Europe/Berlin"), "")
    assert found.utc.to_list() == [utc]
