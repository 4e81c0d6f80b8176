"""Whole builds: Dagster runs with dbt, as `fleet build` makes them. Belongs here: calling them, and their marts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

from fleet_assets.commands.build import build_log, build_now
from fleet_assets.commands.terminal import words_to
from fleet_assets.contracts import CAN_SIGNALS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.proofs.histories.history import Build
from fleet_assets_tests.proofs.histories.lakes import ALL, Partition, store

EVERY = ALL - {CAN_SIGNALS.name}


def orchestrate_some(random: Random) -> Build:
    """Builds of one lake, now through Dagster (and dbt) and now without."""

    def build(installation: Installation, request: BuildRequest, names: frozenset[str]) -> None:
        way = orchestrate if random.random() < 0.4 else store
        way(installation, request, names)

    return build


def _has_marts(request: BuildRequest, names: Collection[str]) -> bool:
    return set(names) >= EVERY and request == BuildRequest()


def orchestrate(installation: Installation, request: BuildRequest, names: Collection[str]) -> None:
    """One `fleet build` in this process; marts only where all is asked for, because dbt takes five seconds."""
    select = "" if _has_marts(request, names) else ",".join(sorted(set(names) & EVERY))
    with _home(installation), words_to(build_log(installation)):
        build_now(installation, replace(request, select=select))


@contextmanager
def _home(installation: Installation) -> Iterator[None]:
    """Runs read where they work from the environment; it is put back for what comes after."""
    before = {name: os.environ.get(name) for name in ("FLEET_HOME", "DAGSTER_HOME")}
    os.environ["FLEET_HOME"] = str(installation.settings.root)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def mart_contents(installation: Installation) -> dict[Partition, str]:
    """The rows of every mart that has some in one order, as a hash; views, which may read the clock, are left out."""
    from fleet_assets.pipeline.mart_models import mart_project

    project = mart_project(installation)
    marts = [name for name in sorted(project.upstream.keys() - project.views) if not name.startswith("int_")]
    rows = {name: installation.warehouse.query(f"select * from {name} order by all") for name in marts}
    return {(name, "mart"): hashlib.sha256(repr(frame.rows()).encode()).hexdigest() for name, frame in rows.items()
            if frame.height}  # fmt: skip
