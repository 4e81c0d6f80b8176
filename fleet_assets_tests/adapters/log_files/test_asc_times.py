"""Times of .asc logs of many writers: read where nothing is ambiguous, refused with the reason where something is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from fleet_assets.adapters.log_files import AnswerMissing, LogOptions, read_log
from fleet_assets.adapters.log_files.asc_dates import wall_time
from fleet_assets.contracts.errors import FileRejected

FRAME = " 1  123             Rx   d 2 01 03"
TEN = datetime(2026, 3, 10, 10, tzinfo=UTC)


def times(folder: Path, text: str | bytes, **options: object) -> list[str]:
    """The instants of the frames, without the date where it is the tenth of March 2026."""
    path = folder / "a.asc"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = LogOptions(**{"vehicle_id": "v1", "zone": ZoneInfo("UTC"), **options})  # type: ignore[arg-type]
    frames = pl.concat(read_log(path, given))
    return [f"{at:%Y-%m-%d %H:%M:%S.%f}".removeprefix("2026-03-10 ") for at in frames.get_column("recorded_at")]


def log(date: str, *seconds: float, base: str = "absolute", trigger: str = "") -> str:
    head = [f"date {date}", f"base hex  timestamps {base}", "internal events logged"]
    head += [f"Begin Triggerblock {trigger}"] if trigger else []
    return "\n".join([*head, *(f"   {at:.6f}{FRAME}" for at in seconds)]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "Tue Mar 10 03:06:13.191 pm 2026", "Tue Mar 10 15:06:13.191 pm 2026", "Die Mär 10 15:06:13.191 2026",
        "Die M\ufffdr 10 15:06:13.191 2026", "mar. mars 10 15:06:13.191 2026", "mar mar 10 15:06:13.191 2026",
        "wt. mar 10 15:06:13,191 2026", "周二 3月 10 15:06:13.191 2026", "Di 10.03.2026 15:06:13.191",
        "10.3.2026 15:06:13.191", "2026-03-10 15:06:13.191", "2026-03-10T15:06:13.191",
        "ti maalis 10 15:06:13:191 2026",
        "Tue Mar 10 03:06:13.191 p.m. 2026", "火 3月 10 03:06:13.191 午後 2026",
    ],
)  # fmt: skip
def test_dates_are_read_in_many_languages_and_clocks(text: str) -> None:
    assert wall_time(text) == datetime(2026, 3, 10, 15, 6, 13, 191_000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Tue Lis 10 15:06:13 2026", "the month 'Lis' in the date .* is unknown, or means two months"),
        ("Tue Feb 30 15:06:13 2026", "does not exist"),
        ("Tue Mar 10 15:06:13 am 2026", "the time '15:06:13' is none of am"),
        ("Tue Mar 10 00:06:13 pm 2026", "the time '00:06:13' is none of pm"),
        ("Tue Mar 10 03:06:13 xm 2026", "the word 'xm' behind the time is neither am nor pm"),
        ("03/10/2026 15:06:13", "is not written in a known way"),
        ("yesterday", "is not written in a known way"),
    ],
)
def test_dates_that_say_two_things_or_none_are_refused_with_their_text(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(AnswerMissing, match=f"{reason}.*give --start, the instant at which its times are 0"):
        times(tmp_path, log(text, 0.5))
    assert times(tmp_path, log(text, 0.5), start_at=TEN) == ["10:00:00.500000"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (log("Tue Mar 10 10:00:00 2026", 0.5, 1), ["10:00:00.500000", "10:00:01.000000"]),
        (log("Tue Mar 10 10:00:00 2026", 36_000.5, 36_001), ["10:00:00.500000", "10:00:01.000000"]),
        (log("Tue Mar 10 10:00:00 2026", 1_773_136_800.5), ["10:00:00.500000"]),
        (log("Tue Mar 10 10:00:00 2026", 0.5, 0.25, 0.5, base="relative"),
         ["10:00:00.500000", "10:00:00.750000", "10:00:01.250000"]),
        (log("Tue Mar 10 10:00:00 2026", 0.5, trigger="Tue Mar 10 10:00:02 2026"), ["10:00:02.500000"]),
        (log("Tue Mar 10 10:00:00 2026", 600.5, trigger="Tue Mar 10 10:10:00 2026"), ["10:10:00.500000"]),
    ],
)  # fmt: skip
def test_times_count_from_what_header_and_frames_agree_on(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert times(tmp_path, text) == expected


def test_blocks_of_triggers_go_on_counting_or_begin_anew(tmp_path: Path) -> None:
    first = log("Tue Mar 10 10:00:00 2026", 0.5, 5, trigger="Tue Mar 10 10:00:00 2026")
    again = f"Begin Triggerblock Tue Mar 10 11:00:00 2026\n   0.250000{FRAME}\n"
    on = f"Begin Triggerblock Tue Mar 10 10:00:09 2026\n   9.000000{FRAME}\n"
    assert times(tmp_path, first + "End TriggerBlock\n" + again) == [
        "10:00:00.500000", "10:00:05.000000", "11:00:00.250000",
    ]  # fmt: skip
    assert times(tmp_path, first + on)[-1] == "10:00:09.000000"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (log("Tue Mar 10 10:00:00 2026", 40_000), "may count from its start .* or from the midnight before"),
        (log("Tue Mar 10 00:05:00 2026", 310), "may count from its start .* or from the midnight before"),
        (log("Tue Mar 10 10:00:00 2026", 700_000_000), "is no time of that date"),
        (log("Tue Mar 10 10:00:00 2026", 300, trigger="Tue Mar 10 10:10:00 2026"), "fits neither alone"),
        (f"base hex  timestamps absolute\n   0.5{FRAME}\n", "its header states no date"),
    ],
)
def test_what_may_be_read_two_ways_is_refused_with_both(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(AnswerMissing, match=reason):
        times(tmp_path, text)


def test_header_and_frames_that_disagree_are_refused(tmp_path: Path) -> None:
    growing = [number * 0.01 + number**2 * 1e-4 for number in range(1, 40)]
    with pytest.raises(FileRejected, match="says relative times and its times only grow"):
        times(tmp_path, log("Tue Mar 10 10:00:00 2026", *growing, base="relative"))
    with pytest.raises(FileRejected, match="says absolute times and its times fall again and again"):
        times(tmp_path, log("Tue Mar 10 10:00:00 2026", *([0.01, 0.02] * 20)))


def test_a_local_time_that_the_clock_showed_twice_needs_a_start(tmp_path: Path) -> None:
    with pytest.raises(AnswerMissing, match="is doubtful in Europe/Madrid: clocks were changed then"):
        times(tmp_path, log("Sun Oct 25 02:30:00 2026", 0.5), zone=ZoneInfo("Europe/Madrid"))


def test_code_pages_are_known_and_events_without_a_frame_are_none(tmp_path: Path) -> None:
    text = log("Die Mär 10 15:06:13.191 2026", trigger="Die Mär 10 15:06:13.191 2026")
    lines = f"   0.000000 Start der Messung\n   0.000000 CANFD   Start of measurement\n   0.005210{FRAME}\n"
    for page in ("cp1252", "utf-8", "cp850"):
        assert times(tmp_path, (text + lines).encode(page)) == ["15:06:13.196210"]
