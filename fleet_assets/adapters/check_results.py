"""Findings: rules that the rows of a stored partition break, kept beside the partition until it changes or holds.

Belongs here: noting and listing them, and which partitions are still to be judged. Does not belong here: the rules
(`core.checks`) and who is told (`defs`).

    <root>/<table>/date=YYYY-MM-DD/<rule>.finding.json   what a rule found
    <root>/<table>/_unjudged/YYYY-MM-DD.<rule>           the day is stored anew, and the rule has yet to look at it
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import Table

_SUFFIX = ".finding.json"


@dataclass(frozen=True)
class Finding:
    """A rule that stored rows of one day break: what a person should read, and whether it makes a build fail."""

    table: str
    day: date
    rule: str
    is_error: bool
    sentences: list[str]


@dataclass(frozen=True)
class CheckResults:
    """The findings of all tables of a lake. Each names the content it was found in, and is void for any other."""

    lake: Lake

    def owe(self, table: Table, day: date, rules: Iterable[str]) -> None:
        """Say, before a partition is stored, that the rules have yet to look at it: a kill afterwards changes nothing
        about that."""
        folder = self._unjudged(table)
        folder.mkdir(parents=True, exist_ok=True)
        for rule in rules:
            (folder / f"{day}.{rule}").touch()

    def owed(self, table: Table) -> set[date]:
        """The days that some rule has yet to look at."""
        return {date.fromisoformat(path.name.partition(".")[0]) for path in self._unjudged(table).glob("????-??-??.*")}

    def note(self, table: Table, day: date, rule: str, sentences: Sequence[str], *, is_error: bool) -> None:
        """Keep what a rule found in the stored partition; nothing found removes what was kept."""
        self._keep(table, day, rule, sentences, is_error=is_error)
        (self._unjudged(table) / f"{day}.{rule}").unlink(missing_ok=True)

    def _keep(self, table: Table, day: date, rule: str, sentences: Sequence[str], *, is_error: bool) -> None:
        path = self.lake.path(table, day).with_name(f"{rule}{_SUFFIX}")
        record = self.lake.record(table, day)
        if not sentences or record is None:
            path.unlink(missing_ok=True)
            return
        facts = {"content": record.content, "is_error": is_error, "sentences": [*sentences]}
        replace_file(path, json.dumps(facts, indent=1).encode())

    def of(self, table: Table, rule: str = "*") -> Iterator[Finding]:
        """What the stored days of a table break, in order of days."""
        for path in sorted((self.lake.root / table.name).glob(f"date=*/{rule}{_SUFFIX}")):
            finding = self._read(table, path)
            if finding is not None:
                yield finding

    def _unjudged(self, table: Table) -> Path:
        return self.lake.root / table.name / "_unjudged"

    def _read(self, table: Table, path: Path) -> Finding | None:
        day = date.fromisoformat(path.parent.name.removeprefix("date="))
        record = self.lake.record(table, day)
        try:
            facts = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        if record is None or facts.pop("content") != record.content:
            return None
        return Finding(table.name, day, path.name.removesuffix(_SUFFIX), **facts)
