"""Telemetry files: typed rows, and a reason for each row and file that is not."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from fleet_assets.adapters.log_files import AnswerMissing
from fleet_assets.adapters.telemetry_files import TelemetryOptions, read_telemetry
from fleet_assets.contracts import TELEMETRY
from fleet_assets.contracts.errors import FileRejected

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def csv(folder: Path, *lines: str) -> Path:
    path = folder / "a.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path: Path, **options: object) -> tuple[pl.DataFrame, dict[str, int]]:
    """All typed rows, and the rows set aside by reason."""
    chunks = list(read_telemetry(path, TelemetryOptions(**options), 2))  # type: ignore[arg-type]
    counts: dict[str, int] = {}
    for reason, rows in (item for chunk in chunks for item in chunk.rejected):
        counts[reason.slug] = counts.get(reason.slug, 0) + rows.height
    return pl.concat([chunk.rows for chunk in chunks]), counts


def test_cells_become_what_their_columns_are(tmp_path: Path) -> None:
    rows, wrong = read(csv(
        tmp_path, "recorded_at,vehicle_id,speed_kmh,is_ignition_on,dtc_codes,satellite_count",
        "2026-01-02T12:00:00Z,v1, 12.5 ,yes,P0420;P0300,7", "2026-01-02 13:00:01.5+01:00,v2,,0,,7.0",
    ))  # fmt: skip
    assert wrong == {}
    shown = ["vehicle_id", "recorded_at", "speed_kmh", "is_ignition_on", "dtc_codes", "satellite_count"]
    assert rows.select(shown).rows() == [
        ("v1", NOON, 12.5, True, ["P0420", "P0300"], 7),
        ("v2", NOON + timedelta(seconds=1.5), None, False, None, 7),
    ]  # fmt: skip
    assert rows.drop("row").schema == TELEMETRY.schema
    assert rows.get_column("source").to_list() == ["telemetry"] * 2


def test_the_vehicle_of_the_options_fills_what_rows_leave_open(tmp_path: Path) -> None:
    rows, _ = read(
        csv(tmp_path, "recorded_at,vehicle_id", "2026-01-02T12:00:00Z,v1", "2026-01-02T12:00:00Z,"), vehicle_id="v9"
    )
    assert rows.get_column("vehicle_id").to_list() == ["v1", "v9"]


def test_each_wrong_row_is_set_aside_for_its_own_reason(tmp_path: Path) -> None:
    rows, wrong = read(csv(
        tmp_path, "recorded_at,vehicle_id,speed_kmh,is_ignition_on", "2026-01-02T12:00:00Z,v1,1,no", ",v1,1,",
        "soon,v1,1,",
        "2026-01-02T12:00:00Z,,1,", "2026-01-02T12:00:00Z,v1,fast,", "2026-01-02T12:00:00Z,v1,inf,maybe",
        "2026-01-02T12:00:00Z,v1", "2026-01-02T12:00:00Z,v1,2,no,more", "2026-01-02T12:00:00Z,v1,nan,",
    ))  # fmt: skip
    assert rows.get_column("speed_kmh").to_list() == [1.0, None]
    assert wrong == {"no-time": 2, "no-vehicle": 1, "bad-value": 2, "ragged-line": 2}


def test_wrong_rows_name_their_columns(tmp_path: Path) -> None:
    path = csv(tmp_path, "recorded_at,vehicle_id,speed_kmh,hdop", "2026-01-02T12:00:00Z,v1,fast,x")
    (chunk,) = read_telemetry(path, TelemetryOptions(), 10)
    ((_, rows),) = chunk.rejected
    assert rows.get_column("reason").to_list() == ["speed_kmh, hdop"]


def test_local_times_need_a_zone_and_take_its_offset(tmp_path: Path) -> None:
    path = csv(tmp_path, "recorded_at,vehicle_id", "2026-07-02T14:00:00,v1", "2026-01-02 13:00:00,v1")
    with pytest.raises(AnswerMissing, match="recorded_at holds times without an offset; give --timezone"):
        read(path)
    rows, _ = read(path, zone=ZoneInfo("Europe/Madrid"))
    assert rows.get_column("recorded_at").to_list() == [datetime(2026, 7, 2, 12, tzinfo=UTC), NOON]


def test_times_that_a_clock_change_makes_doubtful_are_set_aside(tmp_path: Path) -> None:
    path = csv(tmp_path, "recorded_at,vehicle_id", "2026-10-25T02:30:00,v1", "2026-03-29T02:30:00,v1",
               "2026-10-25T02:30:00+01:00,v1")  # fmt: skip
    rows, wrong = read(path, zone=ZoneInfo("Europe/Madrid"))
    assert rows.get_column("recorded_at").to_list() == [datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    assert wrong == {"no-instant": 2}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("recorded_at,speed_mph", r"speed_mph is in another unit than the contract's speed_kmh \(km/h\)"),
        ("recorded_at,speed_km", r"speed_km is in another unit"),
        ("recorded_at,vehicleid", "vehicleid is not part of the telemetry contract: did you mean vehicle_id"),
        ("recorded_at,xyz", "xyz is not part of the telemetry contract: rename it or leave it out"),
        ("time,speed_kmh", "it has no column recorded_at"),
        ("recorded_at,speed_kmh,speed_kmh", "column speed_kmh occurs twice"),
        ("", "is empty"),
    ],
)
def test_a_header_that_is_not_of_the_contract_is_refused_with_what_to_do(
    tmp_path: Path, header: str, reason: str
) -> None:
    with pytest.raises(FileRejected, match=reason):
        read(csv(tmp_path, header), zone=UTC)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_byte_order_marks_and_gzip_are_understood(tmp_path: Path, separator: str) -> None:
    text = separator.join(("recorded_at", "vehicle_id")) + "\r\n" + separator.join(("2026-01-02T12:00:00Z", '"v\n1"'))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    rows, wrong = read(path)
    assert (rows.select("recorded_at", "vehicle_id").rows(), wrong) == ([(NOON, "v\n1")], {})


def test_a_header_alone_is_no_rows(tmp_path: Path) -> None:
    path = csv(tmp_path, "recorded_at,vehicle_id")
    assert sum(chunk.rows.height for chunk in read_telemetry(path, TelemetryOptions(), 10)) == 0


def test_parquet_is_typed_already(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "recorded_at": [NOON, None, NOON], "vehicle_id": ["v1", "v1", None], "speed_kmh": [1, 2, 3],
            "hdop": [float("nan")] * 3, "dtc_codes": [["P1"], [], None], "is_ignition_on": [True, None, False],
        }
    )  # fmt: skip
    frame.write_parquet(tmp_path / "a.parquet")
    rows, wrong = read(tmp_path / "a.parquet")
    assert wrong == {"no-time": 1, "no-vehicle": 1}
    assert rows.select("recorded_at", "speed_kmh", "hdop", "dtc_codes", "is_ignition_on").rows() == [
        (NOON, 1.0, None, ["P1"], True)
    ]


def test_parquet_without_a_zone_needs_one_and_numbers_are_no_times(tmp_path: Path) -> None:
    pl.DataFrame({"recorded_at": [NOON.replace(tzinfo=None)], "vehicle_id": ["v"]}).write_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(AnswerMissing, match="give --timezone"):
        read(tmp_path / "a.parquet")
    rows, _ = read(tmp_path / "a.parquet", zone=ZoneInfo("Europe/Madrid"))
    assert rows.get_column("recorded_at").to_list() == [NOON - timedelta(hours=1)]
    pl.DataFrame({"recorded_at": [1_700_000_000], "vehicle_id": ["v"]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(AnswerMissing, match="recorded_at holds bare numbers; say what they count"):
        read(tmp_path / "b.parquet")
    rows, _ = read(tmp_path / "b.parquet", unix_unit="s")
    assert rows.get_column("recorded_at").to_list() == [datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)]


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.gz", "a.txt"])
def test_broken_and_unknown_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1 or not")
    with pytest.raises(FileRejected):
        read(tmp_path / name)
