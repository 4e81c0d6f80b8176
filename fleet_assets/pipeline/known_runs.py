"""What is known of the runs of an installation: their shape, and the last answer, remembered while nothing has run.

Belongs here: what `fleet status` says of runs without loading Dagster, which takes longer than all else that it does.
Does not belong here: asking Dagster (`defs.state`).

An answer is remembered with the state of the files of Dagster's SQLite storage and holds while these are unchanged: any
run, check or heartbeat of a daemon changes them. While a run is at work or a daemon lives nothing is remembered, nor
where the storage is another one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fleet_assets.adapters.remembered import recall, remember
from fleet_assets.installation import Installation
from fleet_assets.project_files import project_file

INSTANCE_FILE = "dagster.yaml"
"""The instance with SQLite, as it is shipped and as an installation has it."""

MEMORY = "known_runs.json"
"""File beside Dagster's storage that keeps the last answer; it may vanish or be damaged at any time."""

ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

_STORES = ("history/runs.db", "history/runs/index.db")
_LOGS = ("", "-wal", "-journal")
"""What a SQLite database consists of while somebody writes it."""


@dataclass(frozen=True)
class Run:
    """One run: `kind` is build or automatic; instants are UTC; `days` is the first and last partition, or empty."""

    run_id: str
    kind: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    days: list[str]


@dataclass(frozen=True)
class Runs:
    """The newest run of each kind, runs in progress, the newest result of each check that did not hold, and whether a
    daemon watches over the sensors."""

    last_build: Run | None = None
    last_automatic: Run | None = None
    in_progress: list[Run] = field(default_factory=list)
    failed_checks: list[dict[str, str]] = field(default_factory=list)
    has_daemon: bool = False
    problem: str = ""


def storage_state(installation: Installation) -> str:
    """Names the state of Dagster's storage; empty where it is none whose files say when it changes."""
    home = installation.settings.dagster_home
    try:
        instance = (home / INSTANCE_FILE).read_bytes()
    except FileNotFoundError:
        return ""
    if instance != project_file(INSTANCE_FILE).read_bytes():
        return ""
    return hashlib.sha256(" ".join(_states(home)).encode()).hexdigest()


def _states(home: Path) -> Iterator[str]:
    for store in _STORES:
        for log in _LOGS:
            with suppress(FileNotFoundError):
                status = os.stat(home / f"{store}{log}")
                if status.st_size:  # an empty log is there while somebody reads
                    yield f"{store}{log}:{status.st_size}:{status.st_mtime_ns}"


def recalled_runs(installation: Installation) -> Runs | None:
    """What was known of runs when the storage was last asked; None where it has changed since."""
    said = recall(installation.settings.dagster_home / MEMORY)
    if not said or said["state"] != storage_state(installation):
        return None
    runs = said["runs"]
    return Runs(_run(runs["last_build"]), _run(runs["last_automatic"]), [], runs["failed_checks"])


def remember_runs(installation: Installation, runs: Runs, state: str) -> None:
    """Keep what is known for the looks to come; `state` was the storage's before it was asked."""
    newest = [run for run in (runs.last_build, runs.last_automatic) if run]
    is_at_rest = not (runs.in_progress or runs.has_daemon or runs.problem) and {run.status for run in newest} <= ENDED
    if is_at_rest and state and state == storage_state(installation):
        with suppress(OSError):
            said = asdict(runs) | {"last_build": _said(runs.last_build), "last_automatic": _said(runs.last_automatic)}
            remember(installation.settings.dagster_home / MEMORY, {"state": state, "runs": said})


def _said(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    instants = {"started_at": run.started_at, "ended_at": run.ended_at}
    return asdict(run) | {name: at and at.isoformat() for name, at in instants.items()}


def _run(said: dict[str, Any] | None) -> Run | None:
    if said is None:
        return None
    instants = {name: said[name] and datetime.fromisoformat(said[name]) for name in ("started_at", "ended_at")}
    return Run(**said | instants)
