"""The page of `fleet status`: tables for people. Does not belong here: any fact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fleet_assets.adapters.stream_depth import StreamDepth
from fleet_assets.collector.console import Console
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.commands.ingest_now import SHOWN_DAYS
from fleet_assets.commands.status import Status
from fleet_assets.wording import counted, sized, spanned

if TYPE_CHECKING:
    from fleet_assets.pipeline.known_runs import Run

SHOWN_VEHICLES = 50
"""Rows of the table of vehicles, those seen last first; `--json` has all."""

BARS = "▁▂▃▄▅▆▇█"


def print_status(found: Status, steps: list[str], *, wide: bool = False) -> None:
    """Write the page to standard output; `wide`: every column of its table."""
    console = Console(highlight=False, markup=False, emoji=False)
    absent = "" if found.home.exists() else ": there is no such folder yet (FLEET_HOME says where the fleet lives)"
    console.print(f"{found.home} at {found.at:%Y-%m-%d %H:%M:%S} UTC{absent}", soft_wrap=True)
    if found.vehicles:
        grid = _vehicles(found)
        for line in grid.lines(None if wide or not console.is_terminal else console.width):
            console.print(line, soft_wrap=True)
        if len(found.vehicles) > SHOWN_VEHICLES:
            console.print(f"{SHOWN_VEHICLES} of {len(found.vehicles)} rows; all of them with --json")
    for line in (*_collecting(found), *_building(found)):
        console.print(line, soft_wrap=True)
    for number, step in enumerate(steps):
        console.print(f"{'Next: ' if number == 0 else '      '}{step}", soft_wrap=True)
    if not steps:
        console.print("Nothing needs a hand.")


def _vehicles(found: Status) -> Grid:
    grid = Grid(
        Heading("source", rank=3), Heading("vehicle", rank=0), Heading("last seen (UTC)"),
        Heading(f"last {SHOWN_DAYS} days", rank=2), Heading("rows", Kind.number), Heading("all rows", Kind.number, 3),
        Heading("lag p50", Kind.number, 2), Heading("p95", Kind.number, 3), Heading("gaps", Kind.number),
        Heading("missing", Kind.number, 2), Heading("set aside", Kind.number),
        title="", hint="--wide shows all",
    )  # fmt: skip
    newest = sorted(found.vehicles, key=lambda row: row["last_seen_at"] or datetime.min.replace(tzinfo=found.at.tzinfo))
    for row in reversed(newest[-SHOWN_VEHICLES:]):
        grid.add(*_vehicle(row))
    return grid


def _vehicle(row: dict[str, Any]) -> Iterator[str]:
    seen, counts = row["last_seen_at"], row["rows_by_day"] or []
    yield row["source"]
    yield row["vehicle_id"] or "(names none)"
    yield f"{seen:%Y-%m-%d %H:%M}" if seen else "-"
    yield _bars(counts)
    yield _short(sum(counts))
    yield _short(row["row_count"])
    yield from ("-" if row[lag] is None else spanned(row[lag]) for lag in ("lag_p50_s", "lag_p95_s"))
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


def _collecting(found: Status) -> Iterator[str]:
    yield _stream(found.stream)
    for spool in found.spools:
        yield f"Spool {spool['name']}: {spool['records']:,} batches wait, {sized(spool['byte_count'])}"
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
    rest = f"; {counted(unbuilt, 'day')} not built yet, {sized(landing['waiting_byte_count'])}" if unbuilt else ""
    days, files = counted(landing["day_count"], "day"), counted(landing["file_count"], "file")
    return f"Landed {landing['source']}: {days}, {files}, {sized(landing['byte_count'])}{rest}"


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
