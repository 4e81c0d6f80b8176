"""Alarms by day, of the promoted model and the operator's budget: once, and the same after a full rebuild."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.contracts import ALARMS, THEFT_CANDIDATES, THEFT_SCORES
from fleet_assets.installation import Installation
from fleet_assets.pipeline import theft_model
from fleet_assets.pipeline.days import midnight
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.core.theft.model.cases import candidates
from fleet_assets_tests.proofs.histories.lakes import new_installation, store_model

MAKER = DAY_TABLES[ALARMS.name]
QUIET = timedelta(hours=24)


def with_candidates(folder: Path, count: int = 20) -> Installation:
    """An installation with candidates of so many days."""
    installation, rows = new_installation(folder), candidates()
    for day in sorted(rows["closed_at"].dt.date().unique())[:count]:
        installation.lake.write(THEFT_CANDIDATES, day, rows.filter(pl.col("closed_at").dt.date() == day), "test")
    return installation


def raised(installation: Installation, *, only_stale: bool = True) -> pl.DataFrame:
    days = installation.lake.days(THEFT_CANDIDATES)
    for name in (THEFT_SCORES.name, ALARMS.name):
        list(store_days(installation, DAY_TABLES[name], days, only_stale=only_stale))
    return installation.lake.scan(ALARMS).sort(ALARMS.order).collect()


def stale_days(installation: Installation) -> list[date]:
    records = {day: installation.lake.record(ALARMS, day) for day in installation.lake.days(ALARMS)}
    return [day for day, record in records.items() if not MAKER.is_current(installation, day, record)]


@pytest.fixture
def scored(tmp_path: Path) -> Installation:
    installation = with_candidates(tmp_path)
    store_model(installation)
    return installation


def test_before_there_is_a_model_there_is_no_alarm(tmp_path: Path) -> None:
    assert raised(with_candidates(tmp_path, 3)).is_empty()


def test_what_reaches_the_threshold_at_the_budget_is_raised_once_a_day(scored: Installation) -> None:
    found, model = raised(scored), theft_model.promoted(scored)
    assert model is not None
    limit = model.threshold_at(scored.settings.theft_alarm_budget)
    assert found["threshold"].unique().to_list() == [limit]
    assert (found["value"] >= limit).all()
    scores = scored.lake.scan(THEFT_SCORES).collect()
    above = scores.filter(pl.col("probability") >= limit)
    assert 0 < found.height <= above.height < scores.height
    apart = found.select(pl.col("closed_at").diff().over("vehicle_id", "kind")).to_series().drop_nulls()
    assert (apart >= QUIET).all()
    assert set(above["vehicle_id"]) == set(found["vehicle_id"])


def test_a_full_rebuild_gives_the_stored_alarms(scored: Installation) -> None:
    before = raised(scored)
    assert raised(scored, only_stale=False).equals(before)
    assert stale_days(scored) == []


def test_another_budget_makes_alarms_stale_and_raises_more(scored: Installation) -> None:
    few = raised(scored)
    generous = Installation(scored.settings.model_copy(update={"theft_alarm_budget": 1.0}))
    assert stale_days(generous) == scored.lake.days(ALARMS)
    many = raised(generous)
    assert many["threshold"].max() < few["threshold"].max()  # type: ignore[operator]
    assert many.height >= few.height


def test_a_late_score_makes_stale_the_fortnight_after_it_and_no_day_before(scored: Installation) -> None:
    raised(scored)
    days = scored.lake.days(ALARMS)
    late = days[3]
    kept = scored.lake.scan(THEFT_SCORES, [late]).collect().head(1).with_columns(probability=pl.lit(0.123))
    scored.lake.write(THEFT_SCORES, late, kept, "late")
    reach = midnight(late) + ALARMS.look_back
    assert stale_days(scored) == [day for day in days if late <= day and midnight(day) <= reach]
