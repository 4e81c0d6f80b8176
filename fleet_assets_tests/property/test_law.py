"""The law of the house: whatever the order, delay, duplication or batching of arrivals, tables equal one rebuild."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.commands.build import build_now
from fleet_assets.contracts import LAKE_TABLES
from fleet_assets.places import Places
from fleet_assets.settings import load_settings
from fleet_assets_tests.fixtures.drives import at, drive

TABLES = [table for name, table in LAKE_TABLES.items() if name != "can_signals"]
SELECT = "group:reference,group:raw,telemetry,group:events"
MARTS = ("trip_daily_stats", "vehicle_daily", "monthly_summary")


def history(random: Random) -> list[pl.DataFrame]:
    """Two vehicles over four days around midnight and a change of clocks, cut into pieces of a few minutes."""
    pieces = []
    for name in ("van-1", "van-2"):
        instant = at("2026-03-27 20:00") + timedelta(minutes=random.randrange(60))
        while instant < at("2026-03-31 00:00"):
            driven = drive(name, instant, minutes=random.randrange(5, 200), speed_kmh=random.uniform(5, 90))
            pieces += driven.gather_every(10).iter_slices(random.randrange(20, 200))
            instant = driven["recorded_at"][-1] + timedelta(minutes=random.randrange(60, 900))
    return pieces


def everything(places: Places) -> dict[str, pl.DataFrame]:
    """Every table, in its own order, without when the rows came in."""
    tables = {t.name: places.lake.scan(t).sort(t.order).collect() for t in TABLES}
    tables["raw_telemetry"] = tables["raw_telemetry"].drop("received_at")
    return tables | {name: places.warehouse.query(f"select * from {name} order by all") for name in MARTS}


@pytest.mark.parametrize("seed", [1])
def test_any_history_of_arrivals_ends_in_the_tables_of_one_rebuild(
    seed: int, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    pieces = history(random)
    arrivals = [*pieces, *random.sample(pieces, len(pieces) // 4)]
    random.shuffle(arrivals)
    cuts = sorted(random.sample(range(1, len(arrivals)), 2))
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(arrivals)], strict=True)):
        places.landing.append("telemetry", pl.concat(arrivals[start:stop]), f"batch-{number}")
        build_now(places, None, None, SELECT if number < 2 else "", False)
    piecemeal = everything(places)

    monkeypatch.setenv("FLEET_HOME", str(tmp_path / "rebuilt"))
    rebuilt = Places(load_settings())
    rebuilt.landing.append("telemetry", pl.concat(pieces), "all")
    build_now(rebuilt, None, None, "", False)
    at_once = everything(rebuilt)

    for name, frame in at_once.items():
        assert_frame_equal(piecemeal[name], frame, check_exact=True)
    assert at_once["trips"].height > 8
