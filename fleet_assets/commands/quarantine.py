"""`fleet quarantine`: what is set aside as tables, rows to the terminal or a file, trying again, and dismissing.

Belongs here: choosing entries by name and what a person sees. Does not belong here: the ways by which rows come in
(`collector.quarantine_retry`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import polars as pl

from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.adapters.quarantine import Item, Quarantine
from fleet_assets.collector.console import Console
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.quarantine_retry import Retried, retry
from fleet_assets.commands.frame_grid import frame_lines
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.commands.query import FORMATS
from fleet_assets.contracts import registry
from fleet_assets.contracts.errors import UsageError
from fleet_assets.settings import Settings
from fleet_assets.wording import counted

NEXT = (
    "See one with `fleet quarantine show NAME`; after mending the cause `fleet quarantine retry NAME`; what came in "
    "another way, or never will, `fleet quarantine dismiss NAME`."
)
BACK = "Take one back with `fleet quarantine restore NAME`."

SHOWN_BYTES = 2_000
"""Of a refused file: enough to see what it is."""


@dataclass(frozen=True)
class Wanted:
    """Which entries: by name (or its beginning), by source, by reason; all of them only if that is said."""

    names: tuple[str, ...] = ()
    source: str = ""
    reason: str = ""
    every: bool = False

    def of(self, items: list[Item]) -> list[Item]:
        """The entries meant, in their order; raises UsageError for a name that means none or several."""
        named = {named_item(items, name).path for name in self.names}
        return [
            item for item in items
            if (not named or item.path in named)
            and (not self.source or self._is_of_source(item)) and self.reason in ("", item.note.reason)
        ]  # fmt: skip

    def _is_of_source(self, item: Item) -> bool:
        """Whether it was set aside for the source itself, or for one of its raw tables."""
        declared = registry().source_of(item.note.source)
        return self.source in (item.note.source, declared.name if declared else "")


def named_item(items: Iterable[Item], name: str) -> Item:
    """The one entry whose short or long name is, or begins with, `name`; raises UsageError for none or several."""
    known = list(items)
    exact = [item for item in known if name in (item.short, item.name)]
    found = exact or [item for item in known if item.short.startswith(name) or item.name.startswith(name)]
    if not found:
        raise UsageError(f"nothing in quarantine is called {name}; `fleet quarantine list` names what is there")
    if len(found) > 1:
        several = ", ".join(f"{item.short} ({item.name})" for item in found[:5])
        raise UsageError(f"{name} may be {len(found)} entries: {several}")
    return found[0]


def run_list(settings: Settings, wanted: Wanted, limit: int, dismissed: bool = False) -> None:
    """Counts by source and reason, then the newest entries."""
    quarantine = Quarantine(settings.quarantine)
    items = wanted.of((quarantine.dismissed if dismissed else quarantine).items())
    console = _console()
    if not items:
        kind = "" if wanted == Wanted() else "of that kind "
        console.print(f"Nothing {kind}is {'dismissed' if dismissed else 'set aside'}.")
        return
    console.print(_summary(items))
    newest = sorted(items, key=lambda item: item.set_aside_at, reverse=True)
    console.print(_entries(newest[:limit]))
    if len(newest) > limit:
        console.print(f"{limit} of {len(newest)} entries; more with --limit {len(newest)}")
    console.print(BACK if dismissed else NEXT)


def run_show(settings: Settings, name: str, limit: int, output: Path | None) -> None:
    """The content of one entry, limited, or all of it in a file."""
    quarantine = Quarantine(settings.quarantine)
    item = named_item([*quarantine.items(), *quarantine.dismissed.items()], name)
    console = _console()
    size = counted(item.note.count, "file" if item.is_file else "row")
    origin = f" of {item.note.file}" if item.note.file and not item.is_file else ""
    console.print(f"{item.name}: {size}{origin}, {item.note.reason}: {item.note.explanation}")
    if item.note.dismissed:
        console.print(f"dismissed: {item.note.dismissed}")
    if output:
        _write(item, output)
        console.print(f"{output} written")
    elif item.is_file:
        with item.path.open("rb") as file:
            console.print(file.read(SHOWN_BYTES).decode(errors="replace"))
        console.print(f"{item.path.stat().st_size:,} bytes in {item.path}")
    else:
        rows = pl.read_parquet(item.path)
        _print_rows(console, rows.head(limit))
        if rows.height > limit:
            console.print(f"{limit} of {rows.height:,} rows; all of them with --output FILE.csv")


def _print_rows(console: Console, rows: pl.DataFrame) -> None:
    """As `fleet query` shows them: for eyes on a terminal, else whole."""
    if console.is_terminal:
        console.file.write("".join(f"{line}\n" for line in frame_lines(rows, console.width, wide=False)))
    else:
        console.file.write(FORMATS["table"](rows).decode())


def run_retry(settings: Settings, wanted: Wanted, answers: LogOptions, shift: timedelta | None = None) -> None:
    """Try the wanted entries again, one after the other, and say what became of each."""
    _refuse_nothing(wanted, "try again")
    quarantine = Quarantine(settings.quarantine)
    console = _console()
    results: list[Retried] = []
    with exclusive_lock(settings.quarantine / ".retry.lock"):
        for item in wanted.of(quarantine.items()):
            results.append(retry(item, Intake.from_settings(settings), answers, shift))
            console.print(_sentence(results[-1]))
    landed = sum(result.landed for result in results)
    if not results:
        console.print("Nothing of that kind is set aside.")
    elif landed:
        console.print(f"{counted(landed, 'row')} landed; run `fleet build` to use them")


def run_dismiss(settings: Settings, wanted: Wanted, because: str) -> None:
    """Count the wanted entries no more, keep them, and say so."""
    _refuse_nothing(wanted, "dismiss")
    quarantine = Quarantine(settings.quarantine)
    _each(settings, wanted.of(quarantine.items()), lambda item: quarantine.dismiss(item, because), "dismissed")


def run_restore(settings: Settings, wanted: Wanted) -> None:
    """Take dismissed entries back, and say so."""
    _refuse_nothing(wanted, "restore")
    quarantine = Quarantine(settings.quarantine)
    _each(settings, wanted.of(quarantine.dismissed.items()), quarantine.restore, "set aside again")


def _each(settings: Settings, items: list[Item], act: Callable[[Item], None], done: str) -> None:
    console = _console()
    with exclusive_lock(settings.quarantine / ".retry.lock"):
        for item in items:
            act(item)
            console.print(f"{item.short} {item.name}: {done}")
    if items:
        console.print(f"{len(items):,} {done}; run `fleet build` to count anew")
    else:
        console.print("There is nothing of that kind.")


def _refuse_nothing(wanted: Wanted, deed: str) -> None:
    if wanted == Wanted():
        raise UsageError(f"say what to {deed}: a NAME, --source, --reason or --all")


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def _summary(items: list[Item]) -> Grid:
    groups: dict[tuple[str, str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.note.source, item.note.reason, item.note.explanation), []).append(item)
    entries, rows = (Heading(title, Kind.number) for title in ("entries", "rows"))
    table = Grid("source", "reason", entries, rows, Heading("newest", rank=2), Heading("meaning", Kind.prose))
    for (source, reason, meaning), group in sorted(groups.items()):
        count = sum(item.note.count for item in group if not item.is_file)
        newest = max(item.set_aside_at for item in group)
        table.add(source, reason, f"{len(group):,}", f"{count:,}", f"{newest:%Y-%m-%d %H:%M}", meaning)
    return table


def _entries(items: list[Item]) -> Grid:
    table = Grid(
        Heading("name", rank=0), "reason", Heading("rows", Kind.number), Heading("set aside (UTC)", rank=2),
        Heading("from", Kind.prose), Heading("vehicles", Kind.prose, 0), title="",
    )  # fmt: skip
    for item in items:
        rows = "file" if item.is_file else f"{item.note.count:,}"
        origin = item.note.file or item.note.name
        table.add(item.short, item.note.reason, rows, f"{item.set_aside_at:%Y-%m-%d %H:%M}", origin, _whose(item))
    return table


def _whose(item: Item) -> str:
    """The vehicles of an entry's rows, most rows first."""
    counts: Counter[str] = Counter()
    for vehicle, _, count in item.note.tally:
        counts[vehicle or "-"] += count
    names = [name for name, _ in counts.most_common(4)]
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _write(item: Item, output: Path) -> None:
    if item.is_file:
        copyfile(item.path, output)
    elif output.suffix in (".csv", ".parquet", ".json"):
        output.write_bytes(FORMATS[output.suffix[1:]](pl.read_parquet(item.path)))
    else:
        raise UsageError(f"--output {output}: rows are written as .csv, .json or .parquet")


def _sentence(result: Retried) -> str:
    parts = [f"{counted(result.landed, 'row')} landed"] if result.landed else []
    parts += [f"{counted(result.known, 'row')} had landed before"] if result.known else []
    what = "the file" if result.item.is_file else counted(result.left, "row")
    parts += [f"{what} still set aside"] if result.left else []
    why = f" ({result.sentence})" if result.sentence else ""
    return f"{result.item.short} {result.item.name}: {', '.join(parts) or 'nothing landed'}{why}"
