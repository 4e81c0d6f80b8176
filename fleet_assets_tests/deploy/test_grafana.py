"""The provisioned Grafana: every query runs on the warehouse, fits its panel and reads no raw rows from end to end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import yaml

from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.deploy.fleet_of_today import DAYS
from fleet_assets_tests.deploy.plans import raw_scans

GRAFANA = REPOSITORY / "deploy" / "grafana"
DASHBOARDS = {path.name: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("dashboards/*.json"))}
NUMBERS = {20, 21, 23, 700, 701, 1700}
"""Type numbers of PostgreSQL: int8, int2, int4, float4, float8, numeric."""
INSTANTS = {1114, 1184}
"""timestamp, timestamptz: what a time axis takes."""


@dataclass(frozen=True)
class Panel:
    """One query of one panel."""

    dashboard: str
    title: str
    type: str
    format: str
    sql: str

    def __str__(self) -> str:
        return f"{self.dashboard.removesuffix('.json')}: {self.title}"


def panels() -> Iterator[Panel]:
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield Panel(name, panel["title"], panel["type"], target["format"], target["rawSql"])
        for variable in dashboard["templating"]["list"]:
            yield Panel(name, f"variable {variable['name']}", "variable", "table", variable["query"])


PANELS = list(panels())


def as_grafana_sends_it(sql: str, first: datetime, last: datetime) -> str:
    """The statement with its macros and variables filled in the way Grafana's PostgreSQL plugin does."""
    start, end = (f"'{instant:%Y-%m-%dT%H:%M:%SZ}'" for instant in (first, last))
    filled = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {start} AND {end}", sql)
    filled = filled.replace("$__timeFrom()", start).replace("$__timeTo()", end).replace("$__interval", "10m")
    filled = filled.replace("${vehicle:sqlstring}", "'v1'").replace("${vehicles:sqlstring}", "'v1','v2','v3'")
    assert "$" not in filled, f"a macro or variable that Grafana would not know: {filled}"
    return filled


def statement(panel: Panel) -> str:
    now = datetime.now(UTC)
    return as_grafana_sends_it(panel.sql, now - timedelta(days=DAYS if "Track" not in panel.title else 1), now)


@pytest.mark.parametrize("panel", PANELS, ids=str)
def test_the_query_of_a_panel_gives_what_the_panel_shows(panel: Panel, warehouse: psycopg.Connection) -> None:
    found = warehouse.execute(statement(panel))
    rows = found.fetchall()
    types = {column.name: column.type_code for column in found.description or ()}
    assert rows
    if panel.format == "time_series":
        assert types.pop("time") in INSTANTS
        assert types
        assert set(types.values()) <= NUMBERS
        times = [row[0] for row in rows]
        assert times == sorted(times)
    if panel.type == "geomap":
        assert {types["latitude_deg"], types["longitude_deg"]} <= NUMBERS
    if panel.type == "variable":
        assert len(types) == 1


@pytest.mark.parametrize("panel", PANELS, ids=str)
def test_no_panel_reads_raw_rows_from_end_to_end(panel: Panel, warehouse: psycopg.Connection) -> None:
    assert raw_scans(warehouse, statement(panel)) == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_whole(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert name == f"{dashboard['uid']}.json"
    assert dashboard["title"]
    assert "fleet" in dashboard["tags"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 3
    cells = [cell for panel in dashboard["panels"] for cell in covered(panel["gridPos"])]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert all(0 <= column < 24 for column, _ in cells)
    used = {panel["datasource"]["uid"] for panel in dashboard["panels"]}
    used |= {target["datasource"]["uid"] for panel in dashboard["panels"] for target in panel["targets"]}
    assert used == {"fleet"}
    variables = set(re.findall(r"\$\{(\w+):sqlstring\}", json.dumps(dashboard)))
    assert variables == {variable["name"] for variable in dashboard["templating"]["list"]}


def covered(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for column in range(place["x"], place["x"] + place["w"]):
        for row in range(place["y"], place["y"] + place["h"]):
            yield column, row


def test_every_dashboard_has_a_title_and_name_of_its_own() -> None:
    assert len({dashboard["title"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS) == 4


def test_the_source_is_provisioned_with_its_password_from_the_environment() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "fleet.yaml").read_text())
    (source,) = provisioned["datasources"]
    assert provisioned["apiVersion"] == 1
    assert (source["uid"], source["type"]) == ("fleet", "grafana-postgresql-datasource")
    assert source["secureJsonData"] == {"password": "$FLEET_GRAFANA_DB_PASSWORD"}
    assert "$FLEET_GRAFANA_DB_SSLMODE" in source["jsonData"].values()


def test_dashboards_are_provisioned_from_the_folder_that_the_documents_mount() -> None:
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "fleet.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    mounted = f"deploy/grafana/dashboards:{provider['options']['path']}"
    assert mounted in (REPOSITORY / "docs" / "analysts.md").read_text()


def test_the_dbt_project_says_what_each_dashboard_reads() -> None:
    exposures = yaml.safe_load((REPOSITORY / "dbt_models" / "models" / "exposures" / "exposures.yml").read_text())
    said = {one["description"].rpartition("/")[2]: one["depends_on"] for one in exposures["exposures"]}
    for name, dashboard in DASHBOARDS.items():
        read = set(re.findall(r"fleet\.(\w+)", json.dumps([panel["targets"] for panel in dashboard["panels"]])))
        read |= set(re.findall(r"fleet\.(\w+)", json.dumps(dashboard["templating"])))
        assert read == {re.findall(r"'(\w+)'\)$", one)[0] for one in said[name]}, name
