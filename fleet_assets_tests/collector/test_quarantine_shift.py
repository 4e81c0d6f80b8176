"""Rows of wrong clocks are set aside at the door, and land when a person says how wrong the clock was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.collector.importer import import_files
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.quarantine_retry import retry
from fleet_assets.collector.typed_times import shift_of
from fleet_assets.contracts.errors import UsageError

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ROLLOVER = timedelta(weeks=1024)


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    """An empty installation whose clock stands still."""
    return Intake(Landing(tmp_path / "landing"), Quarantine(tmp_path / "q"), date(2000, 1, 1), lambda: NOW)


def set_aside(intake: Intake, rows: list[tuple[str, datetime]]) -> None:
    """Rows through the door, as an import would bring them."""
    table = pl.DataFrame(rows, schema={"vehicle_id": pl.String, "recorded_at": pl.Datetime("us", "UTC")}, orient="row")
    path = intake.landing.root.parent / "a.csv"
    lines = [f"{at:%Y-%m-%dT%H:%M:%S.%fZ},{vehicle}" for vehicle, at in table.rows()]
    path.write_text("\n".join(["recorded_at,vehicle_id", *lines]) + "\n")
    import_files([path], "telemetry", intake.landing, quarantine=intake.quarantine, start_date=intake.start_date)


def landed(intake: Intake) -> list[tuple[str, datetime]]:
    frames = [intake.landing.read("telemetry", day) for day in intake.landing.days("telemetry")]
    rows = pl.concat(frames).select("vehicle_id", "recorded_at").sort("vehicle_id", "recorded_at") if frames else None
    return [] if rows is None else rows.rows()


def test_rows_of_a_receiver_that_rolled_over_land_where_they_belong(intake: Intake) -> None:
    right = [("v1", NOW - timedelta(hours=1)), ("v1", NOW - timedelta(minutes=59))]
    set_aside(intake, [(vehicle, at - ROLLOVER) for vehicle, at in right])
    assert landed(intake) == []
    (item,) = intake.quarantine.items()
    assert (item.note.reason, item.note.count) == ("clock", 2)
    still = retry(item, intake)
    assert (still.landed, still.left) == (0, 2)
    assert "--shift 1024w" in still.sentence
    done = retry(item, intake, shift=ROLLOVER)
    assert (done.landed, done.left, landed(intake)) == (2, 0, right)
    assert intake.quarantine.items() == []


def test_one_vehicle_is_shifted_and_the_rows_of_others_stay_as_they_were(intake: Intake) -> None:
    wrong = [("v1", NOW - ROLLOVER), ("v2", datetime(2000, 1, 1, 0, 8, tzinfo=UTC))]
    set_aside(intake, wrong)
    (item,) = intake.quarantine.items()
    done = retry(item, intake, LogOptions("v1"), ROLLOVER)
    assert (done.landed, done.left, landed(intake)) == (1, 1, [("v1", NOW)])
    (left,) = intake.quarantine.items()
    assert pl.read_parquet(left.path).select("vehicle_id", "recorded_at").rows() == wrong[1:]


def test_a_shift_that_leads_beyond_now_is_refused_and_zero_says_that_the_clock_was_right(intake: Intake) -> None:
    old = ("v1", NOW - timedelta(days=7200))
    set_aside(intake, [old])
    (item,) = intake.quarantine.items()
    too_far = retry(item, intake, shift=timedelta(days=7201))
    assert (too_far.landed, too_far.left, too_far.sentence) == (0, 1, "1 would then be after now")
    assert (retry(item, intake, shift=timedelta()).landed, landed(intake)) == (1, [old])


def test_the_same_file_and_the_same_shift_again_add_nothing(intake: Intake) -> None:
    for expected in (1, 0):
        set_aside(intake, [("v1", NOW - ROLLOVER)])
        (item,) = intake.quarantine.items()
        assert retry(item, intake, shift=ROLLOVER).landed == expected
    assert landed(intake) == [("v1", NOW)]


def test_late_uploads_of_months_land_and_clocks_hours_ahead_do_not(intake: Intake) -> None:
    now = datetime.now(UTC)
    late, ahead = now - timedelta(days=250), now + timedelta(hours=3)
    set_aside(intake, [("v1", late), ("v2", ahead)])
    assert landed(intake) == [("v1", late)]
    (item,) = intake.quarantine.items()
    assert (item.note.reason, item.note.tally[0][0]) == ("clock", "v2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1024w", ROLLOVER), ("7168d", ROLLOVER), ("3h30m", timedelta(hours=3.5)), ("-45s", timedelta(seconds=-45)),
     ("0", timedelta()), ("+1.5h", timedelta(hours=1.5)), ("", None)],
)  # fmt: skip
def test_a_shift_is_a_length_of_time(text: str, expected: timedelta | None) -> None:
    assert shift_of(text) == expected


@pytest.mark.parametrize("text", ["soon", "5", "5y", "99999999w", "--3h"])
def test_what_is_no_length_of_time_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="is no length of time such as 1024w"):
        shift_of(text)
