"""What other systems are known to get wrong: nights, changes of clocks, silence, late uploads, wrong clocks.

One installation, a vehicle for each story, everything through landing and build; a second build follows late arrivals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.collector.importer import ImportReport, import_files
from fleet_assets.commands.build import build_now
from fleet_assets.contracts import (
    CAN_SIGNALS,
    LAKE_TABLES,
    RAW_CAN,
    RAW_TELEMETRY,
    STANDING_PERIODS,
    STOPS,
    TELEMETRY,
    TRIPS,
)
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.fixtures.read_project import give_read_project
from fleet_assets_tests.proofs.histories.long_messages import LONG_DBC, LONG_MAP, answer, broadcast, frames_of
from fleet_assets_tests.proofs.histories.weeks import entered

NO_MARTS = "group:reference,group:raw,telemetry,can_signals,group:events"
MIDNIGHT = at("2026-03-05 00:00")
WRONG, RIGHT = "(0.5,0)", "(1,0)"
SPEED_DBC = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: X\n\nBO_ 256 Motion: 8 X\n SG_ Speed : 0|16@1+ (1,0) [0|0] "km/h" X\n'
SPEED_MAP = """\
name: motion
signals:
  - {message: Motion, signal: Speed, column: speed_kmh, unit: km/h}
"""
CORRECTED, UPLOADED = date(2025, 12, 10), date(2026, 1, 5)
Partition = tuple[str, date]
FOLLOWED = {
    table.name: table for table in (RAW_CAN, RAW_TELEMETRY, TELEMETRY, CAN_SIGNALS, STANDING_PERIODS, TRIPS, STOPS)
}


@dataclass(frozen=True)
class Stories:
    """The installation after both builds, and the hash of every filled partition after each."""

    installation: Installation
    first: dict[Partition, str]
    second: dict[Partition, str]
    imported: ImportReport

    def trips(self, vehicle_id: str) -> list[tuple[datetime, datetime]]:
        return self.rows(TRIPS.name, vehicle_id, "started_at", "ended_at")  # type: ignore[return-value]

    def rows(self, table: str, vehicle_id: str, *columns: str) -> list[tuple[object, ...]]:
        rows = self.installation.lake.scan(LAKE_TABLES[table]).filter(pl.col("vehicle_id") == vehicle_id)
        return rows.sort(LAKE_TABLES[table].order).select(columns).collect().rows()


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Stories:
    folder = tmp_path_factory.mktemp("stories")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_HOME", str(folder / "home"))
        installation = Installation.from_environment()
        give_read_project(installation.settings.root)
        _describe(installation, WRONG)
        _first_arrivals(installation)
        imported = _import_with_a_clock_ahead(installation, folder / "ahead.csv")
        build_now(installation, BuildRequest(select=NO_MARTS))
        first = _contents(installation)
        _describe(installation, RIGHT)
        installation.landing.append("telemetry", _thin(drive("uploader", at(f"{UPLOADED} 09:00"))), "two months late")
        build_now(installation, BuildRequest(select=NO_MARTS))
        build_now(installation, BuildRequest())
    return Stories(installation, first, _contents(installation), imported)


def _describe(installation: Installation, factor: str) -> None:
    root = installation.reference.root
    for folder in ("dbc", "signal_maps"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "vehicles.csv").write_text("vehicle_id,timezone,powertrain\nberlin,Europe/Berlin,ice\n")
    (root / "dbc" / "long.dbc").write_text(LONG_DBC)
    (root / "dbc" / "motion.dbc").write_text(SPEED_DBC.replace(RIGHT, factor))
    (root / "dbc" / "steady.dbc").write_text(SPEED_DBC)
    (root / "signal_maps" / "long.yaml").write_text(LONG_MAP)
    (root / "signal_maps" / "motion.yaml").write_text(SPEED_MAP)
    (root / "dbc_bindings.csv").write_text(
        "vehicle_id,bus,dbc\nlong,can9,long\ncorrected,can0,motion\nboth,can0,steady\n"
    )


def _thin(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.gather_every(2)


def _first_arrivals(installation: Installation) -> None:
    friday, monday = at("2026-03-06 17:00"), at("2026-03-09 07:00")
    spoken = [
        drive("night", at("2026-03-02 23:40"), minutes=40),
        drive("pump", at("2026-03-02 23:20"), minutes=30).with_columns(fuel_level_pct=pl.lit(20.0)),
        drive("pump", at("2026-03-03 00:10"), minutes=30).with_columns(fuel_level_pct=pl.lit(90.0)),
        drive("silent", at("2026-03-02 23:40"), minutes=30).filter(pl.col("recorded_at") <= at("2026-03-02 23:58")),
        drive("weekend", friday),
        drive("weekend", monday),
        *(drive("berlin", at("2025-10-25 20:10") + timedelta(hours=4 * n)) for n in range(9)),
        *(drive("berlin", at("2026-03-28 20:10") + timedelta(hours=4 * n)) for n in range(9)),
        _jumped_back(),
        drive("both", at("2026-03-03 10:00")),
    ]
    installation.landing.append("telemetry", pl.concat(map(_thin, spoken)), "first")
    frames = [*_straddling(), _moving("corrected", at(f"{CORRECTED} 10:00")), _moving("both", at("2026-03-03 10:00"))]
    installation.landing.append("can", pl.concat(entered(frame, RAW_CAN) for frame in frames), "first")


def _jumped_back() -> pl.DataFrame:
    """Half an hour of driving; after ten minutes the clock jumps back three hours."""
    rows = drive("back", at("2026-03-03 10:00"), minutes=30)
    has_jumped = pl.col("recorded_at") >= at("2026-03-03 10:10")
    told = pl.when(has_jumped).then(pl.col("recorded_at") - timedelta(hours=3)).otherwise(pl.col("recorded_at"))
    return rows.with_columns(recorded_at=told)


def _straddling() -> list[pl.DataFrame]:
    """A short message of each protocol over one midnight, the slowest and longest broadcast over the next."""
    told, answered = broadcast(bytes([8] * 40)), answer(bytes([0x62, *[7] * 19]))
    slowest = broadcast(bytes([16] * 1785), pause_s=0.2)
    pieces = [
        frames_of(told, "long", MIDNIGHT - timedelta(seconds=0.12)),
        frames_of(answered, "long", MIDNIGHT - timedelta(seconds=0.03)),
        frames_of(slowest, "long", MIDNIGHT + timedelta(days=1, seconds=-50)),
    ]
    return [pl.concat(pieces).sort("recorded_at")]


def _moving(vehicle_id: str, start: datetime) -> pl.DataFrame:
    """Ten minutes at 72 km/h and the stop behind them, as frames."""
    seconds = pl.int_range(1000, eager=True)
    payload = [(72 if second <= 600 else 0).to_bytes(2, "little") + bytes(6) for second in range(1000)]
    return pl.DataFrame(
        {
            "recorded_at": pl.select(pl.lit(start) + pl.duration(seconds=pl.lit(seconds))).to_series(),
            "vehicle_id": vehicle_id, "bus": "can0", "arbitration_id": 256, "is_extended": False, "is_fd": False,
            "is_error": False, "dlc": 8, "data": payload,
        },
        schema_overrides={name: RAW_CAN.schema[name] for name in ("recorded_at", "arbitration_id", "dlc")},
    )  # fmt: skip


def _import_with_a_clock_ahead(installation: Installation, path: Path) -> ImportReport:
    """Five minutes of rows, of which a device with a wrong clock dates the last ten into the year 2099."""
    rows = drive("ahead", at("2026-03-03 10:00"), minutes=5).select("vehicle_id", "recorded_at", "speed_kmh")
    told = pl.when(pl.int_range(pl.len()) >= pl.len() - 10).then(pl.col("recorded_at").dt.offset_by("73y"))
    rows.with_columns(told.otherwise(pl.col("recorded_at")).alias("recorded_at")).write_csv(
        path, datetime_format="%Y-%m-%dT%H:%M:%S%:z"
    )
    quarantine = Quarantine(installation.settings.quarantine)
    return import_files([path], "telemetry", installation.landing, quarantine=quarantine)


def _contents(installation: Installation) -> dict[Partition, str]:
    records = {
        (name, day): installation.lake.record(table, day)
        for name, table in FOLLOWED.items() for day in installation.lake.days(table)
    }  # fmt: skip
    return {key: record.content for key, record in records.items() if record and record.row_count}


def test_a_trip_across_midnight_is_found_exactly_once(stories: Stories) -> None:
    assert stories.trips("night") == [(at("2026-03-02 23:40"), at("2026-03-03 00:20"))]


def test_refuelling_across_midnight_is_one_stop(stories: Stories) -> None:
    assert stories.rows("stops", "pump", "started_at", "ended_at", "kind", "fuel_level_change_pct") == [
        (at("2026-03-02 23:50"), at("2026-03-03 00:10"), "refuelling", 70.0)
    ]


def test_a_vehicle_that_falls_silent_at_2358_keeps_its_last_trip(stories: Stories) -> None:
    assert stories.trips("silent") == [(at("2026-03-02 23:40"), at("2026-03-02 23:58"))]


def test_a_weekend_of_silence_is_one_stop_between_two_trips(stories: Stories) -> None:
    assert [start for start, _ in stories.trips("weekend")] == [at("2026-03-06 17:00"), at("2026-03-09 07:00")]
    assert stories.rows("stops", "weekend", "started_at", "ended_at") == [
        (at("2026-03-06 17:10"), at("2026-03-09 07:00"))
    ]


def test_days_of_23_and_25_hours_sum_to_the_raw_total(stories: Stories) -> None:
    ask = stories.installation.warehouse.query
    long_day, short_day = date(2025, 10, 26), date(2026, 3, 29)
    lengths = ask("select local_date, day_s / 3600 from vehicle_daily where vehicle_id = 'berlin' order by 1").rows()
    assert {day: hours for day, hours in lengths if day in (long_day, short_day)} == {long_day: 25.0, short_day: 23.0}
    driven = stories.rows("trips", "berlin", "distance_km", "duration_s")
    marts = ask("select sum(trip_count), sum(distance_km), sum(trip_s) from vehicle_daily where vehicle_id = 'berlin'")
    assert len(driven) == 18
    total_km, total_s = (sum(column) for column in zip(*driven, strict=True))
    assert marts.rows() == [(18, pytest.approx(total_km, rel=1e-12), pytest.approx(total_s, rel=1e-12))]
    assert total_km == pytest.approx(18 * 12.0, rel=0.01)


def test_a_device_that_uploads_two_months_late_gets_its_trip_and_moves_nobody_elses_days(stories: Stories) -> None:
    assert stories.trips("uploader") == [(at(f"{UPLOADED} 09:00"), at(f"{UPLOADED} 09:10"))]
    moved = {key for key, content in stories.second.items() if stories.first.get(key) != content}
    assert {day for _, day in moved} == {CORRECTED, UPLOADED}
    assert stories.first.keys() <= stories.second.keys()


def test_a_clock_that_jumps_back_loses_no_row_and_no_trips_overlap(stories: Stories) -> None:
    told = _thin(_jumped_back())
    kept = stories.rows("telemetry", "back", "recorded_at")
    assert [at for (at,) in kept] == told["recorded_at"].sort().to_list()
    assert stories.trips("back") == [
        (at("2026-03-03 07:10"), at("2026-03-03 07:30")), (at("2026-03-03 10:00"), at("2026-03-03 10:09:58")),
    ]  # fmt: skip


def test_a_clock_in_the_future_is_quarantined_and_nothing_else_is_lost(stories: Stories) -> None:
    (result,) = stories.imported.files
    total = drive("ahead", at("2026-03-03 10:00"), minutes=5).height
    assert sum(result.rejected.values()) == 10
    assert len(stories.rows("raw_telemetry", "ahead", "entry_id")) == total - 10
    assert stories.trips("ahead") == [(at("2026-03-03 10:00"), at("2026-03-03 10:05"))]


def test_one_vehicle_on_two_sources_is_not_counted_twice(stories: Stories) -> None:
    assert {source for (source,) in stories.rows("telemetry", "both", "source")} == {"can", "telemetry"}
    assert stories.rows("trips", "both", "started_at", "distance_km") == [
        (at("2026-03-03 10:00"), pytest.approx(12.0, abs=0.1))
    ]


def test_a_dbc_corrected_later_changes_telemetry_and_trips_and_no_raw_row(stories: Stories) -> None:
    assert stories.rows("trips", "corrected", "distance_km") == [(pytest.approx(12.0, abs=0.1),)]
    on_its_day = {name for name, day in stories.second if day == CORRECTED}
    changed = {name for name in on_its_day if stories.first[name, CORRECTED] != stories.second[name, CORRECTED]}
    assert on_its_day == {RAW_CAN.name, CAN_SIGNALS.name, TELEMETRY.name, TRIPS.name, STANDING_PERIODS.name}
    assert changed == {CAN_SIGNALS.name, TELEMETRY.name, TRIPS.name}


def test_messages_over_midnight_are_put_together_once_on_the_day_that_completes_them(stories: Stories) -> None:
    completed = [MIDNIGHT + timedelta(seconds=0.01), MIDNIGHT + timedelta(seconds=0.18)]
    slowest = MIDNIGHT + timedelta(days=1, seconds=1)
    signals = stories.rows("can_signals", "long", "recorded_at", "message", "value")
    assert signals == [(completed[0], "Answer", 7.0), (completed[1], "EC1", 257.0), (slowest, "EC1", 514.0)]
    assert stories.rows("telemetry", "long", "recorded_at", "hv_battery_temp_c", "charger_voltage_v") == [
        (MIDNIGHT, 7.0, 257.0), (MIDNIGHT + timedelta(days=1, seconds=1), None, 514.0),
    ]  # fmt: skip
