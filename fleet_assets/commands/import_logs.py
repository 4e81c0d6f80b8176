"""`fleet import`: bind DBC files, import, and a table of what became of each file.

Belongs here: what a person sees, and what `--dbc` means. Does not belong here: the import itself (collector/importer).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.adapters.telemetry_files import NO_VEHICLE
from fleet_assets.collector.bus_spans import SharedBus
from fleet_assets.collector.console import Console
from fleet_assets.collector.file_list import expand
from fleet_assets.collector.file_progress import FileProgress
from fleet_assets.collector.importer import FileResult, ImportReport, budget_of, import_files, reader_of
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.contracts import DBC_FILES, Source
from fleet_assets.contracts.errors import DataError, UsageError
from fleet_assets.installation import Installation
from fleet_assets.sources.column_map import AS_THEY_ARE, ColumnMap
from fleet_assets.sources.telemetry_files import TELEMETRY_FILES
from fleet_assets.wording import counted

SHOWN_DROPPED = 20
"""Signals and messages of a DBC file that are named at import; `fleet reference check` names all."""
SHOWN_REFUSALS = 20
"""Refused files whose reasons are said; the quarantine has all."""
PLACES = ("line ", "byte ", "row ", "record ")
"""What an example begins with that is a place in a file."""


@dataclass(frozen=True)
class Answers:
    """What files may not say themselves; what a file says wins."""

    vehicle_id: str = ""
    bus: str = ""
    timezone: str = ""
    start_at: datetime | None = None
    unix_time: str = ""
    logger: str = ""
    columns: ColumnMap = AS_THEY_ARE


def must_take_columns(source: str, columns: ColumnMap) -> None:
    """Raises UsageError where columns are stated for files that are no tables."""
    if columns and reader_of(source)[0].name != TELEMETRY_FILES.name:
        raise UsageError(f"--map, --units and --mapping are for tables: --source {TELEMETRY_FILES.name}")


def run_import(
    installation: Installation, paths: Sequence[Path], source: str, answers: Answers, dbc: Sequence[str] = ()
) -> None:
    """Import and say what came of it; raises DataError, after the table, when a file was refused or gave no row."""
    bind(installation, answers.vehicle_id, dbc)
    declared, reader = reader_of(source)
    must_take_columns(source, answers.columns)
    files = expand(paths, reader.endings)
    settings = installation.settings
    with FileProgress("importing", files) as progress:
        report = import_files(
            files, source, installation.landing, quarantine=Quarantine(settings.quarantine),
            start_date=settings.start_date, budget=budget_of(settings), progress=progress.update, **vars(answers),
        )  # fmt: skip
    console = Console()
    console.print(_table(report))
    _say_what_next(console, report, settings.quarantine)
    if dbc:
        _say_absent_buses(console, installation, declared, answers.vehicle_id, report, dbc)
    if report.refused or report.barren:
        raise DataError("\n".join(filter(None, (_refusal(report), _barren(report)))))


def run_bind(installation: Installation, vehicle_id: str, bus: str, dbc: str) -> None:
    """Bind a DBC file to a bus of a vehicle, `*` being any, and say so."""
    (name,) = bind(installation, vehicle_id, [f"{bus}={dbc}"])
    which = f"every bus of {vehicle_id} that has no other" if bus == "*" else f"bus {bus} of {vehicle_id}"
    line = f"{name} describes {which}; run `fleet build` to use it"
    Console().print(line, highlight=False, markup=False, soft_wrap=True)


def bind(installation: Installation, vehicle_id: str, dbc: Sequence[str]) -> list[str]:
    """Bind each `FILE` or `BUS=FILE` to the vehicle, and return the names of the DBC files; nothing is bound when one
    of them is wrong."""
    if dbc and not vehicle_id:
        raise UsageError("--dbc binds a file to a vehicle: say which with --vehicle-id")
    wanted = [_parse(item) for item in dbc]
    names = [_checked(installation, file) for _, file in wanted]
    for (bus, file), name in zip(wanted, names, strict=True):
        if file.exists():
            installation.reference.add_dbc(file)
        installation.reference.bind(vehicle_id, bus, name)
    return names


def _say_dropped(file: Path, dropped: Sequence[str]) -> None:
    """Name what of a DBC file will give no value."""
    shown = [f"{file}: {sentence}" for sentence in dropped[:SHOWN_DROPPED]]
    more = len(dropped) - SHOWN_DROPPED
    if more > 0:
        shown.append(f"{file}: and {more:,} more: `fleet reference check` names each")
    for line in shown:
        Console().print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)


def _parse(item: str) -> tuple[str, Path]:
    bus, separator, file = item.rpartition("=")
    if separator and (not bus or not file):
        raise UsageError(f"--dbc {item!r} is neither FILE nor BUS=FILE, such as CAN2=gps.dbc")
    # A path may hold the sign itself: then it is no bus in front of it.
    return ("*", Path(item)) if not separator or Path(item).exists() else (bus, Path(file))


def _checked(installation: Installation, file: Path) -> str:
    """The name by which bindings call the file: one that is there and can be read, or one known by name."""
    if file.exists():
        from fleet_assets.core.can import compile_database

        database = compile_database(file.read_bytes().decode("utf-8-sig", errors="replace"), file.stem)
        _say_dropped(file, database.dropped)
        return file.stem
    known = installation.reference.texts(DBC_FILES).get_column("name").to_list()
    if file.stem not in known:
        raise UsageError(f"--dbc {file}: there is no such file, and no DBC of that name among {', '.join(known)}")
    return file.stem


def _table(report: ImportReport) -> Grid:
    counts = (Heading(title, Kind.number) for title in ("rows", "new rows"))
    table = Grid(Heading("file", rank=0), *counts, Heading("days", rank=2), Heading("reason", Kind.prose))
    for file in report.files:
        cells = (file.path.name, f"{file.rows:,}", f"{file.new_rows:,}", _span(file.days), _reason(file))
        table.add(*cells)
    return table


def _reason(file: FileResult) -> str:
    if file.refusal:
        # Why stands on standard error, once: whoever throws the table away reads it too.
        return "refused"
    parts = [f"{count:,} quarantined: {slug}" for slug, count in file.rejected.items()]
    known = [f"{file.known_rows:,} had been imported before"] if file.known_rows else []
    return "; ".join(known + parts)


def _span(days: set[date]) -> str:
    first, last = (min(days), max(days)) if days else (None, None)
    if first == last:
        return str(first or "")
    return f"{first} to {last} ({len(days)})"


def _say_what_next(console: Console, report: ImportReport, quarantine: Path) -> None:
    new = sum(file.new_rows for file in report.files)
    set_aside = sum(sum(file.rejected.values()) for file in report.files)
    lines = [f"{counted(new, 'new row')} landed" + ("; run `fleet build` to use them" if new else "")]
    if set_aside:
        rows = "1 row is" if set_aside == 1 else f"{set_aside:,} rows are"
        lines.append(f"{rows} set aside in {quarantine} (`fleet quarantine list`):")
        lines += [f"  {sentence}" for sentence in _reasons(report.files)]
    unnamed = sum(file.rejected.get(NO_VEHICLE.slug, 0) for file in report.files)
    if unnamed:
        lines.append(
            f"{counted(unnamed, 'row')} of no vehicle: `fleet import --vehicle-id ID …` again, or "
            f"`fleet quarantine retry --reason {NO_VEHICLE.slug} --vehicle-id ID`"
        )
    lines += [_shared(one) for one in report.shared]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _shared(found: SharedBus) -> str:
    """Two loggers, or two channels, that may have become one bus."""
    more = f" (and {found.more:,} more pairs of files)" if found.more else ""
    one, other = found.one.name if found.one else "what had landed before", found.other.name
    return (
        f"{one} and {other} both brought frames of {found.vehicle_id} {found.bus} between "
        f"{found.first:%Y-%m-%d %H:%M:%S} and {found.last:%H:%M:%S} UTC{more}: if these are two loggers, or two "
        "channels, they are one bus now; give each a name with --logger, or --bus"
    )


def _reasons(files: Sequence[FileResult]) -> list[str]:
    """For each reason how many rows, and the first of them."""
    counts = Counter[str]()
    first: dict[str, str] = {}
    for file in files:
        counts.update(file.rejected)
        for slug, example in file.examples.items():
            first.setdefault(slug, f"{file.path.name}, {example}" if example.startswith(PLACES) else example)
    return [f"{count:,} {slug}" + (f" ({first[slug]})" if slug in first else "") for slug, count in counts.items()]


def _say_absent_buses(
    console: Console,
    installation: Installation,
    source: Source,
    vehicle_id: str,
    report: ImportReport,
    dbc: Sequence[str],
) -> None:
    """Name the buses of `--dbc` that no frame of the vehicle came from on these days."""
    days = sorted({day for file in report.files for day in file.days})
    with_buses = [raw.folder for raw in source.raw if raw.has_buses]
    landed = [installation.landing.scan(folder, day) for folder in with_buses for day in days]
    frames = [rows.filter(pl.col("vehicle_id") == vehicle_id) for rows in landed]
    there = pl.concat([frame.select("bus").unique() for frame in frames]).collect() if frames else pl.DataFrame()
    buses = sorted(set(there["bus"])) if there.width else []
    absent = sorted({bus for bus, _ in map(_parse, dbc) if bus != "*"} - set(buses))
    if absent and buses:
        console.print(
            f"no frame came from bus {', '.join(absent)}: the buses of {vehicle_id} are {', '.join(buses)}",
            style="yellow", highlight=False, soft_wrap=True,
        )  # fmt: skip


def _refusal(report: ImportReport) -> str:
    """One line a file; the quarantine has those that are not shown."""
    if not report.refused:
        return ""
    lines = [f"{file.path}: {file.refusal}" for file in report.refused[:SHOWN_REFUSALS]]
    more = len(report.refused) - SHOWN_REFUSALS
    if more > 0:
        lines.append(f"and {more:,} more: `fleet quarantine list --reason refused`")
    head = f"{len(report.refused):,} of {counted(len(report.files), 'file')} refused"
    return f"{head}: {lines[0]}" if len(lines) == 1 else "\n  ".join([f"{head}:", *lines])


def _barren(report: ImportReport) -> str:
    """Files that were read and of which nothing landed, each with what became of its rows."""
    if not report.barren:
        return ""
    lines = [f"{file.path}: {'; '.join(_reasons([file]))}" for file in report.barren[:SHOWN_REFUSALS]]
    more = len(report.barren) - SHOWN_REFUSALS
    lines += [f"and {more:,} more: `fleet quarantine list`"] if more > 0 else []
    head = f"{len(report.barren):,} of {counted(len(report.files), 'file')} gave no row, all were set aside"
    return f"{head}: {lines[0]}" if len(lines) == 1 else "\n  ".join([f"{head}:", *lines])
