"""`fleet build`: progress while a run materialises, and one line on what came of it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from fleet_assets.adapters.lake_damage import withdraw_damaged
from fleet_assets.collector.console import Console
from fleet_assets.collector.file_progress import passing_bar
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.commands.terminal import terminal_console, words_to
from fleet_assets.commands.unread import lost_frames, unread_sentences
from fleet_assets.contracts import MODEL_TABLES
from fleet_assets.contracts.errors import BuildFailed, UsageError, joined
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_rules import failed_rules
from fleet_assets.pipeline.forecast import TableForecast, forecast
from fleet_assets.pipeline.mart_models import is_warehouse_stale
from fleet_assets.pipeline.plan import BuildReport, BuildRequest, Plan, followed_tables, plan_build
from fleet_assets.wording import counted

TABLE_COLUMNS = (
    TextColumn("{task.description:<24}"), BarColumn(30), TextColumn("{task.fields[count]}"), TimeElapsedColumn(),
    TextColumn("{task.fields[left]}"),
)  # fmt: skip

UNKNOWN_DAY_S = 0.1
"""s that a day is taken to need of whose table none was ever computed."""


def selection(text: str | None) -> str:
    """What `--select` says, or nothing where it was not given; raises UsageError where it names nothing."""
    if text is not None and not text.strip(", "):
        raise UsageError("--select names no asset: leave it out to build everything, or say which, such as trips,stops")
    return text or ""


def run_build(installation: Installation, request: BuildRequest, *, is_dry: bool = False) -> None:
    """Build and say what was built; raises BuildFailed when a run failed or a check does not hold."""
    if request.first and request.last and request.first > request.last:
        raise UsageError(f"--from {request.first} is after --to {request.last}")
    console = terminal_console()
    if is_dry:
        show_forecast(console, installation, request)
        return
    began = time.perf_counter()
    for damage in withdraw_damaged(installation.lake):
        console.print(f"{damage.sentence}; it is stale", highlight=False, markup=False, soft_wrap=True)
    if installation.warehouse.settle():
        console.print("this installation was moved: its published views read the lake here now", highlight=False)
    report = _nothing_to_do(installation, request)
    if report is None:
        ahead = forecast(installation, plan_build(installation, request, _names(request)))
        with build_progress(console, ahead), words_to(build_log(installation)):
            report = build_now(installation, request)
    seconds = time.perf_counter() - began
    said = [_outcome(report, request.select, seconds), *_left_stale(report, request.select)]
    for line in [*said, *lost_frames(installation, report.days), *unread_sentences(installation)]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if report.failed_checks:
        does_not = "does not hold" if len(report.failed_checks) == 1 else "do not hold"
        done = "built" if report.tables else "nothing to build"
        failed = f"{done}, but {counted(len(report.failed_checks), 'check')} of what is stored {does_not}"
        raise BuildFailed(f"{failed}: {joined(report.failed_checks)}")


def _nothing_to_do(installation: Installation, request: BuildRequest) -> BuildReport | None:
    """What a build of everything would report that finds nothing stale; None where Dagster has to run, or to resolve a
    selection."""
    if request.select or request.full:
        return None
    names = followed_tables()
    if not plan_build(installation, request, names).is_empty or is_warehouse_stale(installation):
        return None
    return BuildReport([], [], Plan([], {}), failed_checks=failed_rules(installation, names))


def show_forecast(console: Console, installation: Installation, request: BuildRequest) -> None:
    """What would be built: table by table the days, the reasons, the seconds by what days took before."""
    plan = plan_build(installation, request, _names(request))
    found, is_stale = forecast(installation, plan), is_warehouse_stale(installation)
    if plan.is_empty and not is_stale:
        console.print("What is selected is up to date." if request.select else "Everything is up to date.")
        return
    table = Grid(
        Heading("table", rank=0), Heading("days", Kind.number), "first", "last", Heading("why", Kind.prose),
        Heading("about", Kind.number, 2),
    )  # fmt: skip
    for name in plan.reference:
        why = "the model is not the promoted one, or none" if name in MODEL_TABLES else "its files"
        table.add(name, "", "", "", why, "")
    for one in found:
        table.add(one.table, str(one.days), str(one.first), str(one.last), _why(one), _about(one.seconds))
    if plan.days or is_stale:
        table.add("marts", "", "", "", "inputs", "")
    console.print(table, highlight=False, markup=False)
    known = [one.seconds for one in found if one.seconds is not None]
    if known:
        about = "About" if len(known) == len(found) else "Not every table was computed before; the others: about"
        console.print(f"{about} {sum(known):,.0f} s for days, marts and start not counted.", highlight=False)


def _names(request: BuildRequest) -> Collection[str]:
    """The tables that are asked for; only a selection needs Dagster."""
    if not request.select:
        return followed_tables()
    from fleet_assets.definitions import defs
    from fleet_assets.defs.build import selected_tables

    return selected_tables(defs(), request.select)


def _why(one: TableForecast) -> str:
    """The reasons, with counts where they are not those of all days."""
    ordered = sorted(one.reasons.items(), key=lambda reason: -reason[1])
    return ", ".join(name if count == one.days else f"{name} ({count})" for name, count in ordered)


def _about(seconds: float | None) -> str:
    return "not known" if seconds is None else f"{seconds:,.1f} s"


def _outcome(report: BuildReport, select: str, seconds: float) -> str:
    if not report.tables:
        return "What is selected is up to date." if select else "Everything is up to date."
    span = f", {report.days[0]} to {report.days[-1]}" if report.days else ""
    return f"Built {counted(len(report.tables), 'table')}{span}, in {seconds:.1f} s."


def _left_stale(report: BuildReport, select: str) -> Iterator[str]:
    """What was built was made of what is stored, which may be nothing: say so where that is stale."""
    stale = report.left_stale
    if not stale.is_empty:
        named = [*stale.reference, *(f"{name} ({counted(len(days), 'day')})" for name, days in stale.days.items())]
        verb = "is" if len(named) == 1 else "are"
        whole = ",".join(re.sub(r"^\d*\+?", "+", part.strip()) for part in select.split(",") if part.strip())
        yield (
            f"made of what is stored: {', '.join(named)} {verb} stale and not selected; "
            f"`fleet build --select {whole}` makes them too"
        )


class _Whole:
    """The bar over all tables, weighed by the seconds that their days took before."""

    def __init__(self, progress: Progress, ahead: Iterable[TableForecast]) -> None:
        self._progress = progress
        self._seconds = {one.table: one.seconds or UNKNOWN_DAY_S * one.days for one in ahead}
        self._done: dict[str, float] = {}
        self._began = time.monotonic()
        self._bar = progress.add_task("all days", total=self._total, count="", left="") if self._seconds else None

    @property
    def _total(self) -> float:
        return sum(self._seconds.values())

    def update(self, table: str, share: float) -> None:
        """`share` of a table's days are stored."""
        if self._bar is None or table not in self._seconds:
            return
        self._done[table] = share * self._seconds[table]
        done = sum(self._done.values())
        # This machine may be slower than the one that stored the days, or busier.
        pace = (time.monotonic() - self._began) / done if done else 1.0
        left = f"{timedelta(seconds=round(pace * (self._total - done)))} left"
        whole = sum(done >= self._seconds[name] for name, done in self._done.items())
        count = f"{whole}/{counted(len(self._seconds), 'table')}"
        self._progress.update(self._bar, completed=done, count=count, left=left)


def build_log(installation: Installation) -> Path:
    """Where the words of Dagster and dbt go that the terminal does not show."""
    return installation.settings.root / "logs" / "build.log"


def build_now(installation: Installation, request: BuildRequest) -> BuildReport:
    """One build in this process; Dagster is imported here, so that other commands start without it."""
    prepare_dagster_home(installation)
    for noisy in ("dagster", "dagster.builtin", "dbt"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    from fleet_assets.definitions import defs
    from fleet_assets.defs.build import build

    return build(defs(), installation, request)


@contextmanager
def build_progress(console: Console, ahead: Iterable[TableForecast] = ()) -> Iterator[None]:
    """A bar per table while its days are stored, below one for all of them with the time that is left, as far as days
    of `ahead` took before."""
    from fleet_assets.resources import on_progress, on_words

    with passing_bar(console, *TABLE_COLUMNS, redirects=False) as progress:
        bars: dict[str, TaskID] = {}
        whole = _Whole(progress, ahead)

        def listener(table: str, done: int, total: int) -> None:
            if table not in bars:
                bars[table] = progress.add_task(table, total=total, count="", left="")
            progress.update(bars[table], completed=done, total=total, count=f"{done}/{total}")
            whole.update(table, done / total)

        stops = [on_progress(listener), on_words(partial(console.print, highlight=False, markup=False, soft_wrap=True))]
        try:
            yield
        finally:
            for stop in stops:
                stop()
