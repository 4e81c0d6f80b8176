"""Which sources this installation has: those that come along, and those that installed packages declare.

A package adds a source by an entry point of the group `fleet_assets.sources` that names a `Source`. Processes of one
environment thus know the same sources: the daemon, the collector, every command.

Belongs here: finding declarations, and looking one up by name, folder or table. Does not belong here: what a
declaration says (`source`), and what is made of it (whoever asks).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import entry_points
from typing import TypeVar

from fleet_assets.contracts.errors import SettingError, UsageError
from fleet_assets.contracts.raw import INGEST_GAPS
from fleet_assets.contracts.schema import Table
from fleet_assets.contracts.source import RawTable, Reduction, Source, resolved
from fleet_assets.contracts.telemetry import TELEMETRY

GROUP = "fleet_assets.sources"
"""The entry points by which packages declare sources."""

SHIPPED = ("fleet_assets.sources.can_frames:CAN", "fleet_assets.sources.telemetry_files:TELEMETRY_FILES")
"""The sources that come along: one line each. Named, since the contracts import nothing above them."""

GAPS = RawTable(INGEST_GAPS, "gaps", "Gaps as the collector noted them.")
"""The ledger of what is missing lands like a source; its rows are no vehicle's."""


Found = TypeVar("Found")


@dataclass(frozen=True)
class Registry:
    """The sources of an installation, those that come along first."""

    shipped: tuple[Source, ...]
    installed: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        for kind, names in (
            ("source", [source.name for source in self.all]),
            ("landing folder", [raw.folder for raw in self.landed]),
            ("raw table", [raw.table.name for raw in self.landed]),
        ):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise SettingError(f"{kind} {twice[0]} is declared twice; two installed packages disagree about it")
        users = Counter(raw for source in self.all for raw in source.raw)
        mixed = [raw.table.name for raw, count in users.items() if count > 1 and "source" not in raw.table.schema]
        if mixed:
            raise SettingError(f"raw table {mixed[0]} is shared by sources and has no column source")
        unfit = [raw.table.name for raw in self.raw if not _can_land(raw.table)]
        if unfit:
            raise SettingError(f"raw table {unfit[0]} lacks a day or one of the columns {', '.join(NEEDED)}")

    @property
    def all(self) -> tuple[Source, ...]:
        return self.shipped + self.installed

    @cached_property
    def raw(self) -> tuple[RawTable, ...]:
        """Every raw table once, in the order of the sources; several sources may share one."""
        return tuple(dict.fromkeys(raw for source in self.all for raw in source.raw))

    @cached_property
    def landed(self) -> tuple[RawTable, ...]:
        """Everything that lands: raw tables and the ledger of gaps."""
        return (*self.raw, GAPS)

    @cached_property
    def filled(self) -> tuple[Table, ...]:
        """The tables that reductions fill, each once."""
        return tuple(dict.fromkeys(_filled(self.all)))

    @cached_property
    def not_shipped(self) -> frozenset[str]:
        """Names of the tables that only installed packages declare: no migration knows them."""
        own = {raw.table.name for source in self.shipped for raw in source.raw}
        own |= {TELEMETRY.name, *(table.name for table in _filled(self.shipped))}
        return frozenset({raw.table.name for raw in self.raw} | {table.name for table in self.filled}) - own

    def importable(self) -> dict[str, Source]:
        """The sources whose files can be imported, by name."""
        return {source.name: source for source in self.all if source.reader is not None}

    def source(self, name: str) -> Source:
        """The source of this name; raises UsageError."""
        return _found({source.name: source for source in self.all}, name, "source")

    def folder(self, name: str) -> RawTable:
        """What lands in a folder; raises UsageError for one that nothing lands in."""
        return _found({raw.folder: raw for raw in self.landed}, name, "source")

    def source_of(self, name: str) -> Source | None:
        """The source that a name in the quarantine stands for: its own, or that of one of its folders."""
        own = [source for source in self.all if source.name == name]
        return next(iter(own + [one for one in self.all if any(raw.folder == name for raw in one.raw)]), None)

    def counted(self) -> list[tuple[str, RawTable, bool]]:
        """The streams of rows of vehicles, each by the name under which it is counted, with its raw table, and whether
        only the rows whose `source` is that name are meant."""
        users = Counter(raw for source in self.all for raw in source.raw)
        streams = [(source, raw) for source in self.all for raw in source.raw]
        return [(s.name, raw, True) if users[raw] > 1 else (raw.folder, raw, False) for s, raw in streams]

    def reductions_to(self, table: Table) -> list[tuple[str, Reduction]]:
        """What sources add to a table, with the source's name, in order."""
        return [(source.name, one) for source in self.all for one in source.reductions if one.to.name == table.name]


def _filled(sources: Iterable[Source]) -> list[Table]:
    return [reduction.to for source in sources for reduction in source.reductions]


NEEDED = ("vehicle_id", "recorded_at", "received_at", "entry_id")
"""Columns that every raw table has: whose row it is, its two instants, and what names it."""


def _can_land(table: Table) -> bool:
    return table.partition_by == "recorded_at" and set(NEEDED) <= set(table.schema)


def _found(known: dict[str, Found], name: str, kind: str) -> Found:
    if name not in known:
        raise UsageError(f"{kind} {name!r} does not exist; there are {', '.join(sorted(known))}")
    return known[name]


@cache
def registry() -> Registry:
    """The sources of this process's environment; raises SettingError for a declaration that cannot be used."""
    installed = [_loaded(point.name, point.value) for point in sorted(entry_points(group=GROUP))]
    return Registry(tuple(resolved(name) for name in SHIPPED), tuple(_sources(installed)))


def _sources(found: Iterable[tuple[str, object]]) -> list[Source]:
    wrong = [name for name, source in found if not isinstance(source, Source)]
    if wrong:
        raise SettingError(f"entry point {wrong[0]} of {GROUP} names no Source")
    return [source for _, source in found if isinstance(source, Source)]


def _loaded(name: str, value: str) -> tuple[str, object]:
    try:
        return name, resolved(value)
    # Whatever a package of others raises while it loads: the person must hear which one.
    except Exception as error:
        raise SettingError(f"entry point {name} of {GROUP} ({value}) cannot be loaded: {error}") from error
