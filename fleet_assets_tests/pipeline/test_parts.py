"""A table that several sources fill: each gives its rows, and its code counts for the days that hold some of them."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from datetime import date

import pytest

from fleet_assets.contracts import LAKE_TABLES, RAW_TELEMETRY, TELEMETRY, VEHICLES, Reduction, Registry, Rows, registry
from fleet_assets.contracts.source import resolved
from fleet_assets.installation import Installation
from fleet_assets.pipeline import former_versions
from fleet_assets.pipeline.code_versions import parameters_of
from fleet_assets.pipeline.day_tables import DayTable, day_table
from fleet_assets.pipeline.parts import Part, without_repeats
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES, day_tables
from fleet_assets_tests.fixtures.depot_source import DEPOT
from fleet_assets_tests.fixtures.drives import at, drive

DAY = date(2026, 3, 2)


@pytest.fixture
def landed(installation: Installation) -> Installation:
    installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    list(store_days(installation, DAY_TABLES["raw_telemetry"], [DAY], only_stale=True))
    return installation


def with_depot() -> dict[str, DayTable]:
    return day_tables(Registry(registry().shipped, (DEPOT,)))


def test_another_source_changes_the_version_of_a_table_and_of_no_day_without_its_rows(landed: Installation) -> None:
    now, then = DAY_TABLES, with_depot()
    for name in ("telemetry", "ingest_daily", "ingest_hourly"):
        assert then[name].code_version != now[name].code_version
        assert then[name].fingerprint(landed, DAY) == now[name].fingerprint(landed, DAY)
    assert {name for name in now if then[name].code_version != now[name].code_version} == {
        "telemetry", "ingest_daily", "ingest_hourly",
    }  # fmt: skip
    assert then.keys() - now.keys() == {"depot_positions", "depot_levels", "depot_alarms"}
    assert now.keys() == LAKE_TABLES.keys()


def test_a_day_of_an_earlier_name_of_equal_code_is_current(
    landed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = DAY_TABLES[RAW_TELEMETRY.name]
    record = landed.lake.record(RAW_TELEMETRY, DAY)
    assert record is not None
    code, _, others = record.inputs.partition(" ")
    landed.lake.restate(RAW_TELEMETRY, DAY, type(record)(**{**vars(record), "inputs": f"code:0123456789ab {others}"}))
    stored = landed.lake.record(RAW_TELEMETRY, DAY)
    assert maker.why_stale(landed, DAY, stored) == ("code or rules",)
    equal = {RAW_TELEMETRY.name: ("0123456789ab", frozenset({code.removeprefix("code:")}))}
    monkeypatch.setattr(former_versions, "EQUAL_CODE", equal)
    assert maker.is_current(landed, DAY, stored)


def test_a_part_that_asks_for_what_it_does_not_declare_is_refused() -> None:
    def compute(raw_telemetry: object, vehicles: object) -> object:
        return raw_telemetry, vehicles

    with pytest.raises(TypeError, match="telemetry: vehicles is read and not declared"):
        day_table(TELEMETRY, group="x", parts=[Part(compute, (RAW_TELEMETRY,))])(lambda parts: parts)


def test_a_table_is_planned_without_loading_what_makes_its_rows(installation: Installation) -> None:
    asked = """
import sys
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest, followed_tables, plan_build
for _ in range(2):
    assert plan_build(Installation.from_environment(), BuildRequest(), followed_tables()).days == {}
print([name for name in ("numpy", "fleet_assets.core.can", "fleet_assets.core.trips") if name in sys.modules])
"""
    home = {**os.environ, "FLEET_HOME": str(installation.settings.root)}
    # The first process has remembered what the modules say.
    said = [subprocess.check_output([sys.executable, "-c", asked], env=home, text=True) for _ in range(2)]
    assert said[1] == "[]\n"


NAMED = [one for source in registry().shipped for one in source.reductions if isinstance(one.compute, str)]


@pytest.mark.parametrize("reduction", NAMED)
def test_the_text_of_a_reduction_says_what_its_function_says(reduction: Reduction) -> None:
    loaded = resolved(reduction.compute)
    assert parameters_of(reduction.compute) == tuple(inspect.signature(loaded).parameters)
    named = Part(reduction.compute, reduction.reads).version(reduction.to)
    assert named == Part(loaded, reduction.reads).version(reduction.to)


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("fleet_assets.core.can:decode", ("frames", "bindings")),  # made elsewhere
        ("fleet_assets_tests.fixtures.drives:at", ("text",)),  # of another package
    ],
)
def test_a_function_whose_text_is_not_there_is_loaded(code: str, parameters: tuple[str, ...]) -> None:
    assert parameters_of(code) == parameters


def test_of_a_reference_table_that_two_parts_read_all_columns_of_both_count() -> None:
    one, other = Rows(VEHICLES, ("vehicle_id", "dbc")), Rows(VEHICLES, ("vehicle_id", "timezone"))
    assert without_repeats([RAW_TELEMETRY, one, other, RAW_TELEMETRY]) == (
        RAW_TELEMETRY, Rows(VEHICLES, ("vehicle_id", "dbc", "timezone")),
    )  # fmt: skip
