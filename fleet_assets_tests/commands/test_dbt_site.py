"""`fleet docs` writes the dbt site of what is published, as files that open without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet_assets.installation import Installation
from fleet_assets_tests.dbt.small_fleet import stops, store, trips
from fleet_assets_tests.dbt.test_marts import materialise
from fleet_assets_tests.fixtures.fleet_here import FleetHere


@pytest.mark.usefixtures("read_project")
def test_the_site_describes_models_columns_and_readers(
    installation: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    unbuilt = fleet_here("docs", "--output", tmp_path / "site")
    assert (unbuilt.code, unbuilt.out) == (2, "")
    assert "run `fleet build`" in unbuilt.err

    store(installation.lake, trips(), stops())
    assert materialise().success
    written = fleet_here("docs", "--output", tmp_path / "site")
    assert written.code == 0, written.err
    assert str(tmp_path / "site" / "index.html") in written.out

    site = tmp_path / "site"
    assert sorted(path.name for path in site.iterdir()) == ["catalog.json", "index.html", "manifest.json"]
    catalog = json.loads((site / "catalog.json").read_text())
    assert {"distance_km", "local_date"} <= set(catalog["nodes"]["model.fleet.trip_daily_stats"]["columns"])
    assert "source.fleet.lake.trips" in catalog["sources"]
    manifest = json.loads((site / "manifest.json").read_text())
    assert "exposure.fleet.grafana_fleet_overview" in manifest["exposures"]
    page = (site / "index.html").read_text()
    assert "trip_daily_stats" in page
