"""`fleet demo`: a simulated fleet through the whole platform, from its CAN frames to a summary and the UI.

Belongs here: the order of the steps and what the person sees of them. Does not belong here: any step's own work; each
is the command or asset that a real fleet uses.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.collector.console import Console
from fleet_assets.collector.file_progress import passing_bar
from fleet_assets.commands.build import build_log, build_now, build_progress
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.commands.demo_events import DemoEvents, as_event_table, tally
from fleet_assets.commands.demo_summary import Tables, as_table, compare, matched_trips
from fleet_assets.commands.terminal import terminal_console, words_to
from fleet_assets.commands.ui import choose_port, serve, start_ui
from fleet_assets.contracts import CHARGING_SESSIONS, FUEL_EVENTS, HOURLY_USE, RAW_CAN, TRIPS, VEHICLES, Table
from fleet_assets.contracts.errors import BuildFailed, BuildStopped, UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets.settings import load_settings


@dataclass(frozen=True)
class DemoPlan:
    """What was simulated; kept in plan.json, so that the same call finds its fleet again on another day."""

    vehicles: int
    days: int
    seed: int
    start: str


@dataclass(frozen=True)
class UiChoice:
    """Whether the Dagster UI opens after the summary, and on which port (None: the first free one)."""

    is_wanted: bool
    port: int | None


class DemoFolder:
    """FLEET_HOME/demo: an installation of its own, with the simulated fleet beside it."""

    def __init__(self, root: Path, lock: int) -> None:
        self.root = root
        self.lock = lock
        self.simulated = root / "simulated"
        self.plan_file = root / "plan.json"
        self.sent_file = root / "sent.json"

    def stored_plan(self) -> DemoPlan | None:
        return DemoPlan(**json.loads(self.plan_file.read_text())) if self.plan_file.exists() else None

    def clear(self) -> None:
        if self.root.exists():
            shutil.rmtree(self.root)


def run_demo(installation: Installation, wanted: tuple[int, int, int], ui: UiChoice, fresh: bool) -> int:
    """Run or resume the demo; `wanted` is (vehicles, days, seed). Returns the exit code."""
    console = terminal_console()
    # A supervisor's SIGTERM ends the children too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with exclusive_lock(installation.settings.root / "demo.lock") as lock:
            demo = _drive_and_build(console, DemoFolder(installation.settings.root / "demo", lock), wanted, fresh)
    except (KeyboardInterrupt, BuildStopped):
        _say(console, "Stopped. The same call goes on from here.")
        return 130
    return _serve(console, demo, ui.port) if ui.is_wanted else 0


def _drive_and_build(console: Console, folder: DemoFolder, wanted: tuple[int, int, int], fresh: bool) -> Installation:
    began = time.perf_counter()
    plan = _plan(folder, wanted, fresh)
    demo = _installation(folder, plan)
    prepare_dagster_home(demo)
    _say(console, f"A fleet of {plan.vehicles} vehicles drives {plan.days} days from {plan.start}, in {folder.root}")
    _simulate(console, folder, plan, demo)
    frames = _collect(console, folder, demo)
    _build(console, demo, frames)
    _summarise(console, folder, demo)
    _say(console, f"From the command to this line: {time.perf_counter() - began:.0f} s")
    _what_next(console, folder)
    return demo


def _plan(folder: DemoFolder, wanted: tuple[int, int, int], fresh: bool) -> DemoPlan:
    if fresh or not folder.stored_plan():
        # Without a plan there is at most the rest of a simulation that was stopped.
        folder.clear()
    stored = folder.stored_plan()
    start = datetime.now(UTC).date() - timedelta(days=wanted[1])
    asked = DemoPlan(*wanted, start=stored.start if stored else start.isoformat())
    if stored and stored != asked:
        raise UsageError(
            f"{folder.root} holds another fleet ({stored.vehicles} vehicles, {stored.days} days, seed {stored.seed}); "
            "call `fleet demo` with the same numbers to go on with it, or add --fresh to replace it"
        )
    return asked


def _installation(folder: DemoFolder, plan: DemoPlan) -> Installation:
    # The children of this process (worker, Dagster) must work on the same places.
    os.environ["FLEET_HOME"] = str(folder.root)
    for name in ("FLEET_LAKE_URL", "FLEET_REDIS_URL", "FLEET_START_DATE"):
        os.environ.pop(name, None)
    # A file elsewhere belongs to another fleet; a server says itself when it holds another lake.
    if not load_settings().is_on_postgres:
        os.environ.pop("FLEET_WAREHOUSE_URL", None)
    # The fleet's first day is the first partition: in the UI nothing is missing that never was.
    folder.root.mkdir(parents=True, exist_ok=True)
    (folder.root / ".env").write_text(f"FLEET_START_DATE={plan.start}\n")
    return Installation(load_settings(home=folder.root))


def _simulate(console: Console, folder: DemoFolder, plan: DemoPlan, demo: Installation) -> None:
    if folder.stored_plan():
        _say(console, "1/4 simulated already")
        return
    from fleet_assets.simulator import FleetPlan, write_fleet

    began = time.perf_counter()
    with _bar(console, "1/4 simulating", plan.vehicles) as (show, _):
        fleet = FleetPlan(plan.vehicles, plan.days, plan.seed, date.fromisoformat(plan.start))
        write_fleet(fleet, folder.simulated, lambda _vehicle, done, _all: show(done))
    shutil.copytree(folder.simulated / "reference", demo.settings.reference, dirs_exist_ok=True)
    folder.plan_file.write_text(json.dumps(asdict(plan)))
    _say(console, f"1/4 simulated their drives ({time.perf_counter() - began:.0f} s)")


def _collect(console: Console, folder: DemoFolder, demo: Installation) -> int:
    """Returns how many frames were sent."""
    if folder.sent_file.exists():
        _say(console, "2/4 collected already")
        return int(json.loads(folder.sent_file.read_text())["frames"])
    # A demo stopped half-way has sent some frames; the stream would give them new ids. It starts this step again.
    for place in (demo.settings.landing, demo.settings.root / "redis", Path(demo.settings.lake)):
        shutil.rmtree(place, ignore_errors=True)
    logs = sorted((folder.simulated / "frames").glob("*.parquet"))
    sent = _send_through_redis(console, folder, demo, logs)
    folder.sent_file.write_text(json.dumps({"frames": sent}))
    return sent


def _send_through_redis(console: Console, folder: DemoFolder, demo: Installation, logs: list[Path]) -> int:
    from fleet_assets.commands.demo_send import Watch, send_logs

    frames = sum(pl.scan_parquet(log).select(pl.len()).collect().item() for log in logs)
    began = time.perf_counter()
    log = demo.settings.root / "logs" / "scanner.log"
    with _bar(console, "2/4 CAN frames through Redis", frames) as (show, bar), words_to(log):
        waiting = partial(bar.update, bar.task_ids[0], description="2/4 the worker lands the last of them")
        sent = send_logs(demo, logs, Watch(show, waiting), folder.lock)
    seconds = time.perf_counter() - began
    _say(console, f"2/4 {sent:,} frames sent, landed and acknowledged ({seconds:.0f} s)")
    return sent


@contextmanager
def _bar(console: Console, title: str, total: int) -> Iterator[tuple[Callable[[int], None], Progress]]:
    """A bar that goes away when it is full; yields how to move it to a number done, and the bar itself."""
    columns = (TextColumn("{task.description}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn())
    with passing_bar(console, *columns, redirects=False) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done), bar


def _build(console: Console, demo: Installation, sent: int) -> None:
    with build_progress(console), words_to(build_log(demo)):
        # The star takes in what is only made on demand: signals at full rate.
        # To a server the demos of one folder are one lake: a fresh one may replace what the last one loaded.
        demo.lake.identity(f"demo in {socket.gethostname()}:{demo.settings.root.resolve()}")
        report = build_now(demo, BuildRequest(select="*"))
    rows = demo.lake.scan(RAW_CAN).select(pl.len()).collect().item()
    if rows != sent:
        raise BuildFailed(f"{sent:,} frames were sent, {rows:,} are in raw_can; begin anew with `fleet demo --fresh`")
    if report.failed_checks:
        raise BuildFailed("checks do not hold: " + "; ".join(report.failed_checks[:5]))
    done = f"materialised {len(report.tables)} assets, all checks hold" if report.tables else "everything is up to date"
    _say(console, f"3/4 {done}")


def _summarise(console: Console, folder: DemoFolder, demo: Installation) -> None:
    def found(table: Table) -> pl.DataFrame:
        return demo.lake.scan(table).collect()

    def true(name: str) -> pl.DataFrame:
        return pl.read_parquet(folder.simulated / "truth" / f"{name}.parquet")

    tables = Tables(
        vehicles=found(VEHICLES),
        trips=found(TRIPS),
        burned=found(HOURLY_USE),
        fuel_events=found(FUEL_EVENTS),
        true_trips=true("trips"),
        true_refuels=true("refuels"),
        true_vehicles=true("vehicles"),
    )
    console.print(as_table(compare(tables)))
    matched = matched_trips(tables.trips, tables.true_trips)
    _say(console, f"{matched} of {tables.true_trips.height} true trips were found with both ends within 30 s.\n")
    events = DemoEvents(
        tables.fuel_events, found(CHARGING_SESSIONS), tables.true_refuels, true("fuel_losses"), true("charges")
    )
    console.print(as_event_table(tally(events)))


def _what_next(console: Console, folder: DemoFolder) -> None:
    _say(console, "Query it:  FLEET_HOME=" + _short(folder.root) + f" {_program()} query "
                  '"select vehicle_id, month, distance_km, burned_l from monthly_summary order by 1, 2"')  # fmt: skip


def _program() -> str:
    """How this very command line is called from here."""
    return "fleet" if shutil.which("fleet") else _short(Path(sys.executable).with_name("fleet"))


def _serve(console: Console, demo: Installation, wanted: int | None) -> int:
    port = choose_port(wanted)
    line = f"4/4 Dagster UI: http://127.0.0.1:{port}/asset-groups/  (stop with Ctrl-C)"
    return serve(start_ui(demo, port), port, line, console)


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _short(path: Path) -> str:
    """A path as one would type it here: relative where it lies below, else whole."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
