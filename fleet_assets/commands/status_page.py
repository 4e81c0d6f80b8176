"""The page of `fleet status`: tables for people. Does not belong here: any fact."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from fleet_assets.adapters.stream_depth import StreamDepth
from fleet_assets.collector.console import Console
from fleet_assets.commands.ingest_now import SHOWN_DAYS
from fleet_assets.commands.status import Status
from fleet_assets.wording import counted

if TYPE_CHECKING:
    from fleet_assets.pipeline.known_runs import Run

SHOWN_VEHICLES = 50
"""Rows of the table of vehicles, those seen last first; `--json` has all."""

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 200
"""Columns of the page where it goes to a file or pipe."""


def print_status(found: Status, steps: list[str]) -> None:
    """Write the page to standard output."""
    width = None if sys.stdout.isatty() else WIDTH
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    absent = "" if found.home.exists() else ": there is no such folder yet (FLEET_HOME says where the fleet lives)"
    console.print(f"{found.home} at {found.at:%Y-%m-%d %H:%M:%S} UTC{absent}", soft_wrap=True)
    if found.vehicles:
        console.print(_vehicles(found, console))
        if len(found.vehicles) > SHOWN_VEHICLES:
            console.print(f"{SHOWN_VEHICLES} of {len(found.vehicles)} rows; all of them with --json")
    for line in (*_collecting(found), *_building(found)):
        console.print(line, soft_wrap=True)
    for number, step in enumerate(steps):
        console.print(f"{'Next: ' if number == 0 else '      '}{step}", soft_wrap=True)
    if not steps:
        console.print("Nothing needs a hand.")


def _vehicles(found: Status, console: Console) -> Table:
    table = Table(box=None, pad_edge=False, title=" ")
    for name in ("source", "vehicle", "last seen (UTC)", f"last {SHOWN_DAYS} days"):
        table.add_column(name, no_wrap=not console.is_terminal)
    for name in ("rows", "all rows", "lag p50", "p95", "gaps", "missing", "set aside"):
        table.add_column(name, justify="right", no_wrap=True)
    newest = sorted(found.vehicles, key=lambda row: row["last_seen_at"] or datetime.min.replace(tzinfo=found.at.tzinfo))
    for row in reversed(newest[-SHOWN_VEHICLES:]):
        table.add_row(*_vehicle(row))
    return table


def _vehicle(row: dict[str, Any]) -> Iterator[str]:
    seen, counts = row["last_seen_at"], row["rows_by_day"] or []
    yield row["source"]
    yield row["vehicle_id"] or "(names none)"
    yield f"{seen:%Y-%m-%d %H:%M}" if seen else "-"
    yield _bars(counts)
    yield _short(sum(counts))
    yield _short(row["row_count"])
    yield _span(row["lag_p50_s"])
    yield _span(row["lag_p95_s"])
    yield _short(row["gap_count"])
    yield _short(row["missing_count"] or 0)
    yield _short(row["quarantined_count"])


def _bars(counts: list[int]) -> str:
    """A bar a day, oldest first, as high as the day's share of the fullest; a dot is a day without rows."""
    if not any(counts):
        return ""
    return "".join(BARS[-(-len(BARS) * count // max(counts)) - 1] if count else "·" for count in counts)


def _short(count: int) -> str:
    """A count in at most five signs: 950, 12.3k, 4.16M."""
    if count == 0:
        return "-"
    if count < 1_000:
        return str(count)
    return f"{count / 1_000:.3g}k" if count < 999_500 else f"{count / 1_000_000:.3g}M"


def _span(seconds: float | None) -> str:
    """Seconds as a person says them; minus where a clock is ahead."""
    if seconds is None:
        return "-"
    size, sign = abs(seconds), "-" if seconds < 0 else ""
    for limit, unit, length in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if size < limit:
            return f"{sign}{size / length:.3g} {unit}"
    return f"{sign}{size / 86_400:,.0f} d"


def _collecting(found: Status) -> Iterator[str]:
    yield _stream(found.stream)
    for spool in found.spools:
        yield f"Spool {spool['name']}: {spool['records']:,} batches wait, {_size(spool['byte_count'])}"
    yield from (_landed(landing) for landing in found.landing if landing["file_count"])
    for group in found.quarantine:
        rows, entries = group["row_count"], group["entry_count"]
        what = counted(rows, "row") if rows else counted(entries, "file")
        whose = f" of {group['vehicles']}" if group["vehicles"] else ""
        yield f"Set aside {group['source']}: {what}{whose}, {group['reason']} ({group['meaning']})"


def _stream(stream: StreamDepth) -> str:
    if stream.state != "up":
        return f"Stream: {stream.sentence}"
    workers = [f"{one.name} ({one.pending} pending, asked {one.idle_s:.0f} s ago)" for one in stream.consumers]
    undelivered = "unknown" if stream.undelivered is None else f"{stream.undelivered:,}"
    counts = f"{undelivered} entries not delivered, {stream.pending or 0:,} not acknowledged"
    said = f"; {stream.sentence}" if stream.sentence else ""
    return f"Stream: {counts}; workers: {', '.join(workers) or 'none'}{said}"


def _landed(landing: dict[str, Any]) -> str:
    unbuilt = len(landing["waiting_days"])
    rest = f"; {counted(unbuilt, 'day')} not built yet, {_size(landing['waiting_byte_count'])}" if unbuilt else ""
    days, files = counted(landing["day_count"], "day"), counted(landing["file_count"], "file")
    return f"Landed {landing['source']}: {days}, {files}, {_size(landing['byte_count'])}{rest}"


def _building(found: Status) -> Iterator[str]:
    yield from (f"Damaged: {sentence}" for sentence in found.damage)
    yield f"Stale: {', '.join(_stale(found)) or 'nothing'}"
    for run in found.runs.in_progress:
        state = f"Running: {run.kind} since {_clock(run.started_at)}" if run.started_at else f"Waits: {run.kind}"
        yield f"{state}{_reach(run)}"
    for last in (found.runs.last_build, found.runs.last_automatic):
        if last and last not in found.runs.in_progress and (last.started_at or last.ended_at):
            when = _clock(last.ended_at or last.started_at)
            yield f"Last {last.kind} run: {last.status.lower()}, {when}{_reach(last)}"
    if found.runs.problem:
        yield found.runs.problem
    for check in found.runs.failed_checks:
        said = "warns" if check["severity"] == "WARN" else "does not hold"
        yield f"Check {check['table']}.{check['check']} {said}: {check['sentence']}"
    if any(found.alarms.values()):
        yield f"Alarms: {', '.join(f'{count:,} {state}' for state, count in found.alarms.items() if count)}"
    published = found.published
    when = f"Marts published: {_clock(published.at)}" if published.at else "Marts: not published yet"
    yield f"Warehouse: {published.problem}" if published.problem else when


def _stale(found: Status) -> Iterator[str]:
    for table, days in found.plan.days.items():
        span = f" ({days[0]} to {days[-1]})" if len(days) > 1 else f" ({days[0]})"
        yield f"{table} {counted(len(days), 'day')}{span}"
    if found.plan.reference and found.vehicles:
        yield counted(len(found.plan.reference), "reference table")
    if found.published.stale:
        yield counted(len(found.published.stale), "mart")


def _reach(run: Run) -> str:
    """The days of a run, once each."""
    return f" ({' to '.join(dict.fromkeys(run.days))})" if run.days else ""


def _clock(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC" if instant else "not started"


def _size(byte_count: float) -> str:
    """Bytes in the unit that keeps the number below a thousand."""
    for unit in ("B", "kB", "MB"):
        if byte_count < 1_000:
            return f"{byte_count:.3g} {unit}"
        byte_count /= 1_000
    return f"{byte_count:,.1f} GB"
