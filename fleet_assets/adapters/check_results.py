"""Findings: rules that the rows of a stored partition break, kept until the partition changes or holds.

Belongs here: noting and listing them, and which partitions are still to be judged. Does not belong here: the rules
(`core.checks`) and who is told (`defs`).

    <root>/<table>/_findings/YYYY-MM-DD.<rule>.json      what a rule found
    <root>/<table>/_unjudged/YYYY-MM-DD.<rule>           the day is stored anew, and the rule has yet to look at it

Findings are few and days are many: a folder of findings says at one look what stands in it. Earlier versions kept them
as `date=YYYY-MM-DD/<rule>.finding.json`; these are moved when a table is first asked for its findings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import Table

_FORMER_SUFFIX = ".finding.json"


@dataclass(frozen=True)
class FailedCheck:
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
        self._adopt(table)
        path = self._folder(table) / f"{day}.{rule}.json"
        record = self.lake.record(table, day)
        if not sentences or record is None:
            path.unlink(missing_ok=True)
            return
        facts = {"content": record.content, "is_error": is_error, "sentences": [*sentences]}
        replace_file(path, json.dumps(facts, indent=1).encode())

    def of(self, table: Table, rule: str = "*") -> Iterator[FailedCheck]:
        """What the stored days of a table break, in order of days."""
        self._adopt(table)
        named = [(path.name[:10], path.name[11:].removesuffix(".json"), path)
                 for path in self._folder(table).glob(f"????-??-??.{rule}.json")]  # fmt: skip
        # Where who looks may not move them, they are where they were.
        for day, name, path in sorted(named or self._former(table, rule)):
            finding = self._read(table, date.fromisoformat(day), name, path)
            if finding is not None:
                yield finding

    def _folder(self, table: Table) -> Path:
        return self.lake.root / table.name / "_findings"

    def _adopt(self, table: Table) -> None:
        """Move what an earlier version found. A kill in between leaves a folder of another name, and the next look
        goes on with it."""
        folder = self._folder(table)
        if folder.exists() or not folder.parent.exists():
            return
        moving = folder.with_name("_findings.moving")
        with suppress(OSError):
            moving.mkdir(exist_ok=True)
            for day, rule, path in self._former(table, "*"):
                with suppress(FileNotFoundError):  # another process has moved it
                    path.replace(moving / f"{day}.{rule}.json")
            moving.replace(folder)

    def _former(self, table: Table, rule: str) -> list[tuple[str, str, Path]]:
        """Day, rule and file of what lies where an earlier version put it."""
        if self._folder(table).exists():
            return []
        found = (self.lake.root / table.name).glob(f"date=*/{rule}{_FORMER_SUFFIX}")
        return [(path.parent.name[5:], path.name.removesuffix(_FORMER_SUFFIX), path) for path in found]

    def _unjudged(self, table: Table) -> Path:
        return self.lake.root / table.name / "_unjudged"

    def _read(self, table: Table, day: date, rule: str, path: Path) -> FailedCheck | None:
        record = self.lake.record(table, day)
        try:
            facts = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        if record is None or facts.pop("content") != record.content:
            return None
        return FailedCheck(table.name, day, rule, **facts)
