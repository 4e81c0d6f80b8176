"""Retention: landed files go only when their rows are durable in raw, and any history then gives the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.contracts import RAW_TELEMETRY
from fleet_assets.installation import Installation
from fleet_assets.pipeline import retention
from fleet_assets.pipeline.retention import Pruned, prune
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.fixtures.drives import at, drive

DAY = date(2026, 3, 2)
LATER = datetime.now(UTC) + timedelta(days=40)
AGE = timedelta(days=30)


def build(installation: Installation) -> None:
    """The raw partition of the day, by the same code as in a run."""
    list(store_days(installation, DAY_TABLES["raw_telemetry"], [DAY], only_stale=True))


def rows(installation: Installation) -> pl.DataFrame:
    return installation.lake.scan(RAW_TELEMETRY, [DAY]).collect()


def is_current(installation: Installation) -> bool:
    record = installation.lake.record(RAW_TELEMETRY, DAY)
    return record is not None and record.inputs == DAY_TABLES["raw_telemetry"].fingerprint(installation, DAY)


def names(installation: Installation) -> list[str]:
    return [file.path.name for file in installation.landing.files("telemetry", DAY)]


def pieces(count: int = 6) -> list[pl.DataFrame]:
    whole = drive("van-1", at("2026-03-02 08:00"))
    return list(whole.iter_slices(-(-whole.height // count)))


def test_pruned_files_leave_one_sealed_file_and_a_partition_that_is_current(installation: Installation) -> None:
    for number, piece in enumerate(pieces()):
        installation.landing.append("telemetry", piece, f"f{number}")
    build(installation)
    before = rows(installation)
    (would,) = prune(installation, AGE, LATER, is_dry=True)
    assert len(names(installation)) == 6
    (done,) = prune(installation, AGE, LATER)
    assert (would, done.files, done.kept_because) == (done, 6, "")
    (sealed,) = installation.landing.files("telemetry", DAY)
    assert sealed.path.samefile(installation.lake.path(RAW_TELEMETRY, DAY))
    assert is_current(installation)
    installation.lake.path(RAW_TELEMETRY, DAY).unlink()
    build(installation)
    assert_frame_equal(rows(installation), before)
    assert list(prune(installation, AGE, LATER)) == []


def test_files_that_are_young_or_not_built_or_not_wholly_stored_stay(installation: Installation) -> None:
    one, two = pieces(2)
    installation.landing.append("telemetry", one, "one")
    assert [day.kept_because for day in prune(installation, AGE, LATER)] == ["not built yet"]
    build(installation)
    assert list(prune(installation, AGE, datetime.now(UTC))) == []
    installation.landing.append("telemetry", two, "two")
    assert [day.kept_because for day in prune(installation, AGE, LATER)] == ["not built yet"]
    build(installation)
    record = installation.lake.record(RAW_TELEMETRY, DAY)
    assert record is not None
    # A partition that says it is current and is not: nobody may rely on its word.
    short = installation.lake.write(RAW_TELEMETRY, DAY, rows(installation).head(900), record.inputs)
    assert short.is_changed
    assert list(prune(installation, AGE, LATER)) == [
        Pruned("telemetry", DAY, kept_because="100 rows are not in the raw partition")
    ]
    assert names(installation) == ["one.parquet", "two.parquet"]


def test_an_import_still_knows_the_rows_of_pruned_files(installation: Installation) -> None:
    (whole,) = pieces(1)
    installation.landing.append("telemetry", whole, "one")
    build(installation)
    list(prune(installation, AGE, LATER))
    again = whole.with_columns(entry_id=pl.concat_str(pl.lit("other-"), "entry_id"))
    assert LandedRows(installation.landing, "telemetry").new(again).is_empty()


@pytest.mark.parametrize("seed", range(10))
def test_any_order_of_arrivals_builds_and_prunes_gives_the_rows_of_one_build(
    seed: int, installation: Installation
) -> None:
    random, parts = Random(seed), pieces(8)
    arrivals = [*enumerate(parts), *random.sample([*enumerate(parts)], 6)]
    random.shuffle(arrivals)
    for number, piece in arrivals:
        installation.landing.append("telemetry", piece, f"f{number}" if random.random() < 0.7 else f"again-{number}")
        if random.random() < 0.6:
            build(installation)
        if random.random() < 0.6:
            list(prune(installation, AGE, LATER))
    build(installation)
    list(prune(installation, AGE, LATER))
    assert_frame_equal(rows(installation), pl.concat(parts).sort(RAW_TELEMETRY.order))
    assert len(names(installation)) == 1


@pytest.mark.parametrize("step", ["_seal", "_remove", "_restamp"])
@pytest.mark.parametrize("is_done", [False, True])
def test_a_prune_killed_at_any_step_loses_nothing(
    step: str, is_done: bool, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, piece in enumerate(pieces()):
        installation.landing.append("telemetry", piece, f"f{number}")
    build(installation)
    before = rows(installation)
    real = getattr(retention, step)

    def killed(*arguments: object) -> None:
        if is_done:
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retention, step, killed)
        with pytest.raises(KeyboardInterrupt):
            list(prune(installation, AGE, LATER))
    build(installation)
    assert_frame_equal(rows(installation), before)
    list(prune(installation, AGE, LATER))
    build(installation)
    assert_frame_equal(rows(installation), before)
    assert len(names(installation)) == 1
