"""Ticks of every sensor of an installation in one process, as its daemon and code server take them.

Usage: python benchmarks/sensor_tick.py [--ticks 5], with FLEET_HOME and DAGSTER_HOME set; also by another version.

Belongs here: evaluating sensors and automation through Dagster's interface. Does not belong here: comparing versions.
Prints one JSON object: processor seconds of loading the code location, of the first tick and of the median later one,
in all and by sensor, and how many runs were asked for. No run is started. It imports nothing of fleet_assets but its
code location, so that a version that came before this program can be measured by it.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median
from typing import Any

import dagster as dg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=5)
    ticks = parser.parse_args().ticks
    began = time.process_time()
    definitions = _definitions()
    loading = time.process_time() - began
    with dg.DagsterInstance.get() as instance:
        took, asked = _ticks(definitions, instance, ticks)
    first, later = took[0], {name: median(tick[name] for tick in took[1:]) for name in took[0]}
    found = {"loading_s": loading, "first_s": sum(first.values()), "later_s": sum(later.values()), "asked": asked}
    print(json.dumps(found | {"first": first, "later": later}))


def _definitions() -> dg.Definitions:
    from fleet_assets import definitions

    found: Any = definitions.defs
    return found if isinstance(found, dg.Definitions) else found()


def _ticks(definitions: dg.Definitions, instance: dg.DagsterInstance, count: int) -> tuple[list[dict[str, float]], int]:
    """Processor seconds of each sensor at each tick, and how many runs were asked for."""
    cursors: dict[str, Any] = {}
    took: list[dict[str, float]] = [{} for _ in range(count)]
    asked = 0
    for tick in took:
        for sensor in definitions.sensors or ():
            began = time.process_time()
            asked += _tick(definitions, instance, sensor, cursors)
            tick[sensor.name] = time.process_time() - began
    return took, asked


def _tick(definitions: dg.Definitions, instance: dg.DagsterInstance, sensor: Any, cursors: dict[str, Any]) -> int:
    """One evaluation that goes on from the last one; how many runs it asks for."""
    if isinstance(sensor, dg.AutomationConditionSensorDefinition):
        found = dg.evaluate_automation_conditions(
            definitions, instance, asset_selection=sensor.asset_selection, cursor=cursors.get(sensor.name)
        )
        cursors[sensor.name] = found.cursor
        return found.total_requested
    if isinstance(sensor, dg.RunStatusSensorDefinition):
        return 0  # it is asked by the daemon about runs that failed
    with dg.build_sensor_context(
        instance=instance,
        cursor=cursors.get(sensor.name),
        definitions=definitions,
        sensor_name=sensor.name,
        resources=_installation(definitions),
    ) as context:
        answer = sensor.evaluate_tick(context)
    cursors[sensor.name] = answer.cursor
    return len(answer.run_requests or ())


def _installation(definitions: dg.Definitions) -> dict[str, Any]:
    """The resource of the installation, by the name that it has now or had in earlier versions."""
    return {name: one for name, one in (definitions.resources or {}).items() if name in ("installation", "places")}


if __name__ == "__main__":
    main()
