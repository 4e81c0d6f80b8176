"""With the daemon running, frames that the scanner sends become trips and marts without anyone clicking.

Dagster's own storage and the warehouse are databases of one PostgreSQL server here, as in production.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest

from fleet_assets.contracts import LAKE_TABLES, TRIPS
from fleet_assets.installation import Installation
from fleet_assets.simulator import FleetPlan, write_fleet

PATIENCE_SECONDS = 360
A_TUESDAY = date(2026, 3, 3)
"""Long past: late days follow like today does."""


@contextmanager
def running(installation: Installation, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A `fleet` process of its own group, its words in a file beside the installation, stopped by SIGTERM."""
    log = installation.settings.root / f"{arguments[0]}-{arguments[1]}.log"
    environment = os.environ | {"FLEET_HOME": str(installation.settings.root)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fleet_assets", *arguments], env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for(what: Callable[[], bool], described: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, f"after {PATIENCE_SECONDS} s: no {described}"
        time.sleep(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_frames_from_the_scanner_become_trips_without_a_click(
    installation: Installation, tmp_path: Path, postgres_urls: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage_url, warehouse_url = postgres_urls(), postgres_urls()
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", warehouse_url)
    installation = Installation.from_environment()
    dagster_home = installation.settings.dagster_home
    dagster_home.mkdir(parents=True)
    monkeypatch.setenv("DAGSTER_PG_URL", storage_url.replace("postgresql://", "postgresql+psycopg2://"))
    write_fleet(FleetPlan(1, 1, 3, A_TUESDAY), tmp_path / "fleet", lambda *_: None)
    (tmp_path / "fleet" / "reference").rename(installation.settings.reference)
    log = next((tmp_path / "fleet" / "frames").glob("*.parquet"))
    truth = pl.read_parquet(tmp_path / "fleet" / "truth" / "trips.parquet")

    with (
        running(installation, "ui", "--port", str(free_port())),
        running(installation, "collect", "work", "--flush-seconds", "1"),
    ):
        subprocess.run(
            [sys.executable, "-m", "fleet_assets", "collect", "scan", "--replay", str(log), "--vehicle", log.stem],
            env=os.environ | {"FLEET_HOME": str(installation.settings.root)}, check=True, timeout=120,
        )  # fmt: skip
        wait_for(lambda: _rows(installation) >= truth.height, f"{truth.height} trips")
        wait_for(lambda: installation.warehouse.is_published, "published marts")
        wait_for(
            lambda: not any(map(installation.check_results.owed, LAKE_TABLES.values())), "judgement of all stored days"
        )
        with psycopg.connect(storage_url) as connection:
            by_status = "select status, count(*) from runs group by status"
            ended: dict[str, int] = dict(connection.execute(by_status).fetchall())
    assert ended["SUCCESS"] >= 3
    assert "FAILURE" not in ended


def _rows(installation: Installation) -> int:
    return int(installation.lake.scan(TRIPS).select(pl.len()).collect().item()) if installation.lake.days(TRIPS) else 0
