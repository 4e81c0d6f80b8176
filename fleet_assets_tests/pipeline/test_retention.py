"""Retention: landed files go only when their rows are durable in raw, and any history then gives the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.contracts import RAW_TELEMETRY
from fleet_assets.pipeline import retention
from fleet_assets.pipeline.retention import Pruned, prune
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.places import Places
from fleet_assets_tests.fixtures.drives import at, drive

DAY = date(2026, 3, 2)
LATER = datetime.now(UTC) + timedelta(days=40)
AGE = timedelta(days=30)


def build(places: Places) -> None:
    """The raw partition of the day, by the same code as in a run."""
    list(store_days(places, DAY_TABLES["raw_telemetry"], [DAY], only_stale=True))


def rows(places: Places) -> pl.DataFrame:
    return places.lake.scan(RAW_TELEMETRY, [DAY]).collect()


def is_current(places: Places) -> bool:
    record = places.lake.record(RAW_TELEMETRY, DAY)
    return record is not None and record.inputs == DAY_TABLES["raw_telemetry"].fingerprint(places, DAY)


def names(places: Places) -> list[str]:
    return [file.path.name for file in places.landing.files("telemetry", DAY)]


def pieces(count: int = 6) -> list[pl.DataFrame]:
    whole = drive("van-1", at("2026-03-02 08:00"))
    return list(whole.iter_slices(-(-whole.height // count)))


def test_pruned_files_leave_one_sealed_file_and_a_partition_that_is_current(places: Places) -> None:
    for number, piece in enumerate(pieces()):
        places.landing.append("telemetry", piece, f"f{number}")
    build(places)
    before = rows(places)
    (would,) = prune(places, AGE, LATER, is_dry=True)
    assert len(names(places)) == 6
    (done,) = prune(places, AGE, LATER)
    assert (would, done.files, done.kept_because) == (done, 6, "")
    (sealed,) = places.landing.files("telemetry", DAY)
    assert sealed.path.samefile(places.lake.path(RAW_TELEMETRY, DAY))
    assert is_current(places)
    places.lake.path(RAW_TELEMETRY, DAY).unlink()
    build(places)
    assert_frame_equal(rows(places), before)
    assert list(prune(places, AGE, LATER)) == []


def test_files_that_are_young_or_not_built_or_not_wholly_stored_stay(places: Places) -> None:
    one, two = pieces(2)
    places.landing.append("telemetry", one, "one")
    assert [day.kept_because for day in prune(places, AGE, LATER)] == ["not built yet"]
    build(places)
    assert list(prune(places, AGE, datetime.now(UTC))) == []
    places.landing.append("telemetry", two, "two")
    assert [day.kept_because for day in prune(places, AGE, LATER)] == ["not built yet"]
    build(places)
    record = places.lake.record(RAW_TELEMETRY, DAY)
    assert record is not None
    # A partition that says it is current and is not: nobody may rely on its word.
    short = places.lake.write(RAW_TELEMETRY, DAY, rows(places).head(900), record.inputs)
    assert short.is_changed
    assert list(prune(places, AGE, LATER)) == [
        Pruned("telemetry", DAY, kept_because="100 rows are not in the raw partition")
    ]
    assert names(places) == ["one.parquet", "two.parquet"]


def test_an_import_still_knows_the_rows_of_pruned_files(places: Places) -> None:
    (whole,) = pieces(1)
    places.landing.append("telemetry", whole, "one")
    build(places)
    list(prune(places, AGE, LATER))
    again = whole.with_columns(entry_id=pl.concat_str(pl.lit("other-"), "entry_id"))
    assert LandedRows(places.landing, "telemetry").new(again).is_empty()


@pytest.mark.parametrize("seed", range(10))
def test_any_order_of_arrivals_builds_and_prunes_gives_the_rows_of_one_build(seed: int, places: Places) -> None:
    random, parts = Random(seed), pieces(8)
    arrivals = [*enumerate(parts), *random.sample([*enumerate(parts)], 6)]
    random.shuffle(arrivals)
    for number, piece in arrivals:
        places.landing.append("telemetry", piece, f"f{number}" if random.random() < 0.7 else f"again-{number}")
        if random.random() < 0.6:
            build(places)
        if random.random() < 0.6:
            list(prune(places, AGE, LATER))
    build(places)
    list(prune(places, AGE, LATER))
    assert_frame_equal(rows(places), pl.concat(parts).sort(RAW_TELEMETRY.order))
    assert len(names(places)) == 1


@pytest.mark.parametrize("step", ["_seal", "_remove", "_restamp"])
@pytest.mark.parametrize("is_done", [False, True])
def test_a_prune_killed_at_any_step_loses_nothing(
    step: str, is_done: bool, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, piece in enumerate(pieces()):
        places.landing.append("telemetry", piece, f"f{number}")
    build(places)
    before = rows(places)
    real = getattr(retention, step)

    def killed(*arguments: object) -> None:
        if is_done:
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retention, step, killed)
        with pytest.raises(KeyboardInterrupt):
            list(prune(places, AGE, LATER))
    build(places)
    assert_frame_equal(rows(places), before)
    list(prune(places, AGE, LATER))
    build(places)
    assert_frame_equal(rows(places), before)
    assert len(names(places)) == 1
