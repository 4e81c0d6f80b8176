"""`fleet quarantine`: what is set aside is listed, shown, and tried again once its cause was mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters import quarantine as set_aside
from fleet_assets.adapters.can_entries import entries_as_rows
from fleet_assets.adapters.quarantine import Item, Quarantine, Reason
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.quarantine_retry import retry
from fleet_assets.contracts import RAW_CAN
from fleet_assets.installation import Installation
from fleet_assets_tests.fixtures.can_frames import START, frame_log, numbers
from fleet_assets_tests.fixtures.fleet_here import FleetHere

TELEMETRY_CSV = "vehicle_id,recorded_at,speed_kmh\nvan-1,{}-03-02T08:00:00Z,50\nvan-1,2026-03-02T08:00:01Z,51\n"


def items(installation: Installation) -> list[Item]:
    return Quarantine(installation.settings.quarantine).items()


def landed(installation: Installation, source: str = "telemetry") -> pl.DataFrame:
    days = installation.landing.days(source)
    return pl.concat([installation.landing.scan(source, day).collect() for day in days]) if days else pl.DataFrame()


def csv(installation: Installation, year: int) -> Path:
    installation.settings.root.mkdir(parents=True, exist_ok=True)
    path = installation.settings.root / "export.csv"
    path.write_text(TELEMETRY_CSV.format(year))
    return path


def raw_rows(count: int, **columns: pl.Series) -> pl.DataFrame:
    """Frames as a worker would land them."""
    rows = frame_log(count).with_columns(received_at=pl.lit(START), entry_id=pl.int_range(count).cast(pl.String))
    return rows.with_columns(**columns).select(pl.col(name).cast(kind) for name, kind in RAW_CAN.schema.items())


def test_an_empty_quarantine_says_so(fleet_here: FleetHere) -> None:
    done = fleet_here("quarantine", "list")
    assert (done.code, done.out.strip()) == (0, "Nothing is set aside.")


def test_rows_before_the_start_date_land_once_it_was_lowered(installation: Installation, fleet_here: FleetHere) -> None:
    fleet_here("import", csv(installation, 2019), "--source", "telemetry", FLEET_START_DATE="2020-01-01")
    (item,) = items(installation)
    listed = fleet_here("quarantine", "list", FLEET_START_DATE="2020-01-01").out
    assert f"{item.short}" in listed
    assert "van-1" in listed
    assert "before-start-date" in listed
    kept = fleet_here("quarantine", "retry", "--all", FLEET_START_DATE="2020-01-01")
    assert "1 row still set aside (still recorded before FLEET_START_DATE=2020-01-01)" in kept.out
    assert landed(installation).height == 1
    done = fleet_here("quarantine", "retry", item.short[:6], FLEET_START_DATE="2019-01-01")
    assert "1 row landed" in done.out
    assert items(installation) == []
    assert landed(installation)["speed_kmh"].sort().to_list() == [50.0, 51.0]


def test_importing_the_file_again_before_or_after_a_retry_adds_nothing(
    installation: Installation, fleet_here: FleetHere
) -> None:
    path = csv(installation, 2019)
    fleet_here("import", path, "--source", "telemetry", FLEET_START_DATE="2020-01-01")
    fleet_here("import", path, "--source", "telemetry", FLEET_START_DATE="2019-01-01")
    done = fleet_here("quarantine", "retry", "--all", FLEET_START_DATE="2019-01-01")
    assert "1 row had landed before" in done.out
    fleet_here("import", path, "--source", "telemetry", FLEET_START_DATE="2019-01-01")
    assert landed(installation).height == 2
    assert items(installation) == []


def test_the_future_lands_when_it_has_become_the_past(installation: Installation) -> None:
    quarantine = Quarantine(installation.settings.quarantine)
    now = START - timedelta(days=30)
    early = Intake(installation.landing, quarantine, installation.settings.start_date, lambda: now)
    early.land("can", raw_rows(3), "worker-1")
    (item,) = items(installation)
    assert retry(item, early).left == 3
    result = retry(item, Intake(installation.landing, quarantine, installation.settings.start_date, lambda: START))
    assert (result.landed, result.left) == (3, 0)
    assert numbers(landed(installation, "can").sort("recorded_at")) == [0, 1, 2]
    assert items(installation) == []


def test_a_retry_killed_between_landing_and_removal_adds_nothing_the_second_time(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine = Quarantine(installation.settings.quarantine)
    quarantine.put("can", raw_rows(3), "worker-1", Reason("in-the-future", "ahead"))
    (item,) = items(installation)
    intake = Intake(installation.landing, quarantine, installation.settings.start_date)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Quarantine, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            retry(item, intake)
    files = list(installation.landing.root.glob("can/*/*.parquet"))
    assert retry(item, intake).landed == 3
    assert list(installation.landing.root.glob("can/*/*.parquet")) == files
    assert landed(installation, "can").height == 3


def test_rows_that_come_within_bounds_one_after_the_other_all_land(installation: Installation) -> None:
    quarantine = Quarantine(installation.settings.quarantine)
    instants = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 9, 9)]
    quarantine.put("can", raw_rows(3, recorded_at=pl.Series(instants)), "worker-1", Reason("in-the-future", "ahead"))
    for now, left in ((datetime(2026, 3, 1, tzinfo=UTC), 2), (datetime(2026, 3, 9, tzinfo=UTC), 0)):
        (item,) = items(installation)
        intake = Intake(installation.landing, quarantine, installation.settings.start_date, lambda now=now: now)  # type: ignore[misc]
        assert retry(item, intake).left == left
    assert landed(installation, "can")["entry_id"].sort().to_list() == ["0", "1", "2"]


def test_stream_entries_without_a_vehicle_land_when_one_is_named(
    installation: Installation, fleet_here: FleetHere
) -> None:
    good = {b"id": b"0x1", b"data": b"0A", b"ts": b"1772352000000"}
    bad = {b"id": b"zzz", b"data": b"0A", b"ts": b"1772352000000", b"vehicle": b"v1"}
    rows = entries_as_rows([((b"1772352000000-0", good), "no vehicle"), ((b"1772352000000-1", bad), "no id")])
    Quarantine(installation.settings.quarantine).put(
        "can", rows, "0a1b2c3d-x", Reason("wrong-entry", "not of the format")
    )
    done = fleet_here("quarantine", "retry", "--reason", "wrong-entry", "--vehicle-id", "van-9")
    assert "1 row landed, 1 row still set aside (id is not a hex number" in done.out
    assert landed(installation, "can").select("vehicle_id", "entry_id").rows() == [
        ("van-9", "0a1b2c3d-1772352000000-000000")
    ]
    assert [item.note.count for item in items(installation)] == [1]


def test_a_refused_file_is_imported_with_the_answers_given_at_first(
    installation: Installation, fleet_here: FleetHere
) -> None:
    path = installation.settings.root / "export.csv"
    installation.settings.root.mkdir(parents=True)
    path.write_text("vehicle_id,recorded_at,speed_kmh,speed_kmh\nvan-1,2026-03-02T08:00:00,50,50\n")
    fleet_here("import", path, "--source", "telemetry", "--timezone", "Europe/Madrid")
    (item,) = items(installation)
    again = fleet_here("quarantine", "retry", item.short)
    assert again.code == 0
    assert "the file still set aside" in again.out
    assert len(items(installation)) == 1
    item.path.write_text(path.read_text().replace("speed_kmh,speed_kmh", "speed_kmh").replace(",50,50", ",50"))
    done = fleet_here("quarantine", "retry", item.short)
    assert "1 row landed" in done.out
    assert landed(installation)["recorded_at"].to_list() == [datetime(2026, 3, 2, 7, tzinfo=UTC)]
    assert items(installation) == []


def test_rows_without_a_vehicle_land_when_one_is_named_and_others_get_their_own_reason(
    installation: Installation, fleet_here: FleetHere
) -> None:
    path = installation.settings.root / "export.csv"
    installation.settings.root.mkdir(parents=True)
    rows = ["2026-03-02T08:00:00,50", "2026-03-02T08:00:01,fast", "2026-03-02T08:00:02,52"]
    path.write_text("\n".join(["recorded_at,speed_kmh", *rows, ""]))
    hint = fleet_here("import", path, "--source", "telemetry", "--timezone", "Europe/Madrid").out
    assert "fleet import --vehicle-id" in hint
    (item,) = items(installation)
    assert pl.read_parquet(item.path)["row"].to_list() == [1, 2, 3]
    assert "3 rows still set aside" in fleet_here("quarantine", "retry", item.short).out
    done = fleet_here("quarantine", "retry", item.short, "--vehicle-id", "van-9").out
    assert "2 rows landed" in done
    assert "1 set aside: a cell is not of the kind of its column" in done
    assert landed(installation)["recorded_at"].dt.hour().to_list() == [7, 7]
    assert landed(installation)["entry_id"].n_unique() == 2
    (left,) = items(installation)
    assert (left.note.reason, left.note.count, left.note.file) == ("bad-value", 1, "export.csv")
    assert pl.read_parquet(left.path)["reason"].to_list() == ["speed_kmh"]
    said = fleet_here("quarantine", "retry", "--all").out
    assert "1 row still set aside" in said
    fleet_here("import", path, "--source", "telemetry", "--timezone", "Europe/Madrid", "--vehicle-id", "van-9")
    assert landed(installation).height == 2


def test_rows_that_nothing_but_the_file_can_mend_say_which_file(
    installation: Installation, fleet_here: FleetHere
) -> None:
    path = installation.settings.root / "export.csv"
    installation.settings.root.mkdir(parents=True)
    path.write_text("vehicle_id,recorded_at,speed_kmh\nvan-1,2026-03-02T08:00:00Z\n")
    fleet_here("import", path, "--source", "telemetry")
    (item,) = items(installation)
    assert "export.csv" in fleet_here("quarantine", "list").out
    said = fleet_here("quarantine", "retry", "--all").out
    assert f"mend export.csv, import it again, then `fleet quarantine dismiss {item.short}`" in said


def test_what_is_dismissed_is_listed_no_more_and_comes_back_as_it_was(
    installation: Installation, fleet_here: FleetHere
) -> None:
    quarantine = Quarantine(installation.settings.quarantine)
    for name in ("one", "two"):
        quarantine.put("can", raw_rows(2), name, Reason("odd", "nobody knows"))
    before = items(installation)
    done = fleet_here("quarantine", "dismiss", before[0].short, "--because", "imported on Monday")
    assert (done.code, "1 dismissed" in done.out) == (0, True)
    assert items(installation) == before[1:]
    assert before[0].short in fleet_here("quarantine", "list", "--dismissed").out
    assert "dismissed: imported on Monday" in fleet_here("quarantine", "show", before[0].short).out
    assert "1 set aside again" in fleet_here("quarantine", "restore", before[0].short).out
    assert items(installation) == before
    assert quarantine.dismissed.items() == []
    refused = fleet_here("quarantine", "dismiss")
    assert (refused.code, "say what to dismiss" in refused.err) == (2, True)


@pytest.mark.parametrize("killed_at", ["_write_note", "sync_folder"])
def test_a_dismissal_that_was_killed_leaves_the_item_in_one_place(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    quarantine = Quarantine(installation.settings.quarantine)
    quarantine.put("can", raw_rows(2), "one", Reason("odd", "nobody knows"))
    (item,) = items(installation)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"{set_aside.__name__}.{killed_at}", killed)
        with pytest.raises(KeyboardInterrupt):
            quarantine.dismiss(item, "")
    places_of_it = [*quarantine.items(), *quarantine.dismissed.items()]
    assert [pl.read_parquet(one.path).height for one in places_of_it] == [2]
    if quarantine.items():
        quarantine.dismiss(item, "")
    assert [one.note.count for one in quarantine.dismissed.items()] == [2]


def test_show_prints_the_rows_with_the_reason_and_writes_all_of_them(
    installation: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    Quarantine(installation.settings.quarantine).put("can", raw_rows(30), "worker-1", Reason("odd", "nobody knows"))
    (item,) = items(installation)
    shown = fleet_here("quarantine", "show", item.name, "--limit", 5).out
    assert "30 rows, odd: nobody knows" in shown
    assert "5 of 30 rows" in shown
    fleet_here("quarantine", "show", item.short, "--output", tmp_path / "odd.csv")
    assert pl.read_csv(tmp_path / "odd.csv").height == 30


def test_a_name_that_means_nothing_or_several_is_refused(installation: Installation, fleet_here: FleetHere) -> None:
    for name in ("one", "two"):
        Quarantine(installation.settings.quarantine).put("can", raw_rows(1), name, Reason("odd", "nobody knows"))
    nothing, several = fleet_here("quarantine", "show", "xyz"), fleet_here("quarantine", "show", "can/")
    assert (nothing.code, several.code) == (2, 2)
    assert "nothing in quarantine is called xyz" in nothing.err
    assert "can/ may be 2 entries" in several.err
    assert fleet_here("quarantine", "retry").code == 2
