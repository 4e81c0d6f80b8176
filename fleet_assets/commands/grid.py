"""Tables on the terminal: the columns that fit, whole numbers, whole names, and how many columns are hidden.

Belongs here: every layout of cells in columns that the command line prints. Does not belong here: what stands in the
cells (the commands), how values of a frame read (`core.for_eyes`), and output for programs.

A pipe or a file gets every column, as wide as it needs. A terminal gets the columns of the lowest ranks that fit.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from fleet_assets.collector.console import escaped
from fleet_assets.wording import counted

GAP = "  "

READABLE = 24
"""Width below which running text is left out rather than squeezed."""

LEAST_NAME = 8
"""Width to which a name is folded where even the names alone do not fit."""

RULE = "─"
CUT = "…"


class Kind(StrEnum):
    """What is in a column: `number` and `name` stay in one piece, `prose` runs over several lines, `long` is cut, and
    `lines` are drawings, which nothing is taken from."""

    name = "name"
    number = "number"
    prose = "prose"
    long = "long"
    lines = "lines"


@dataclass(frozen=True)
class Heading:
    """A column: those of rank 0 are always shown, of others those of lower rank first, then from the left."""

    title: str
    kind: Kind = Kind.name
    rank: int = 1


@dataclass(frozen=True)
class Row:
    """Cells in the order of the headings, each of one line or more; `begins_section`: a rule stands above it."""

    cells: tuple[str, ...]
    begins_section: bool = False


class Grid:
    """A table to print; `note` follows it, `hint` says in a half sentence how to see the columns that are hidden."""

    def __init__(
        self,
        *headings: Heading | str,
        title: str | None = None,
        note: str = "",
        hint: str = "a wider window shows them",
    ) -> None:
        whole = [Heading(one) if isinstance(one, str) else one for one in headings]
        # Names of columns are the words of whoever asked, too.
        self.headings = [replace(one, title=escaped(one.title)) for one in whole]
        self.title, self.note, self.hint = title, escaped(note), hint
        self.rows: list[Row] = []

    def add(self, *cells: str, begins_section: bool = False) -> None:
        """Append a row; control characters become visible before widths are taken."""
        if len(cells) != len(self.headings):
            raise ValueError(f"{len(cells)} cells for {len(self.headings)} columns")
        self.rows.append(Row(tuple(map(escaped, cells)), begins_section))

    def hidden(self, width: int | None) -> list[str]:
        """The titles of the columns that do not fit."""
        shown = _shown(self._columns(), width)
        return [heading.title for place, heading in enumerate(self.headings) if place not in shown]

    def lines(self, width: int | None = None) -> list[str]:
        """The table for a terminal of this width; without one, whole."""
        shown = _widths(self._columns(), width)
        header = [self._line(Row(tuple(one.title for one in self.headings)), shown)]
        title = [] if self.title is None else [[self.title]]
        body = [line for row in self.rows for line in (self._ruled(row, shown), self._line(row, shown))]
        told = [line for line in (self._told_hidden(width), self.note) if line]
        ending = told if width is None else [piece for line in told for piece in _folded(line, width)]
        return [line for part in (*title, *header, *body, ending) for line in part]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bold = 0 if self.title is None else 1
        for place, line in enumerate(self.lines(options.max_width if console.is_terminal else None)):
            yield Text(line, style="bold" if place == bold else "", no_wrap=True, overflow="ignore")

    def _columns(self) -> list[_Column]:
        cells = zip(*(row.cells for row in self.rows), strict=True) if self.rows else [()] * len(self.headings)
        return [
            _Column(heading, _natural(heading, tuple(column)))
            for heading, column in zip(self.headings, cells, strict=True)
        ]

    def _ruled(self, row: Row, shown: dict[int, int]) -> list[str]:
        """A rule as wide as the columns, above a row that begins a section."""
        return [RULE * (sum(shown.values()) + len(GAP) * (len(shown) - 1))] if row.begins_section else []

    def _line(self, row: Row, shown: dict[int, int]) -> list[str]:
        """The row as lines: as many as its tallest cell has."""
        parts = [_pieces(row.cells[place], self.headings[place].kind, width) for place, width in shown.items()]
        tall = max(map(len, parts), default=1)
        lines = []
        for number in range(tall):
            pieces = [part[number] if number < len(part) else "" for part in parts]
            padded = [
                _aligned(piece, width, self.headings[place].kind)
                for piece, (place, width) in zip(pieces, shown.items(), strict=True)
            ]
            lines.append(GAP.join(padded).rstrip())
        return lines

    def _told_hidden(self, width: int | None) -> str:
        hidden = len(self.hidden(width))
        return f"{hidden} of {counted(len(self.headings), 'column')} hidden; {self.hint}" if hidden else ""


@dataclass(frozen=True)
class _Column:
    heading: Heading
    natural: int

    @property
    def can_shrink(self) -> bool:
        return self.heading.kind in (Kind.prose, Kind.long)

    @property
    def least(self) -> int:
        """The width below which the column is left out."""
        return min(self.natural, max(READABLE, cell_len(self.heading.title))) if self.can_shrink else self.natural


def _natural(heading: Heading, cells: Sequence[str]) -> int:
    return max(cell_len(line) for cell in (heading.title, *cells) for line in (cell.split("\n") or [""]))


def _shown(columns: Sequence[_Column], width: int | None) -> list[int]:
    """Places of the columns that fit, in their order; those of rank 0 in any case, and at least one."""
    if width is None:
        return list(range(len(columns)))
    # Of one rank, texts that would take most of the room come last.
    order = sorted(
        range(len(columns)), key=lambda place: (columns[place].heading.rank, columns[place].can_shrink, place)
    )
    shown: list[int] = []
    room, closed = width + len(GAP), None
    for place in order:
        column = columns[place]
        rank, needed = column.heading.rank, column.least + len(GAP)
        if rank == 0 or not shown or (needed <= room and closed in (None, rank)):
            shown.append(place)
            room -= needed
        elif closed is None:
            # What matters less takes no room that something else would have needed.
            closed = rank
    return sorted(shown)


def _widths(columns: Sequence[_Column], width: int | None) -> dict[int, int]:
    """The width of every column that is shown, by its place."""
    shown = _shown(columns, width)
    widths = {place: columns[place].natural if width is None else columns[place].least for place in shown}
    if width is None:
        return widths
    room = width - sum(widths.values()) - len(GAP) * (len(widths) - 1)
    for place in shown:
        is_foldable = columns[place].heading.kind in (Kind.name, Kind.prose)
        more = min(max(room, 0), columns[place].natural - widths[place])
        less = min(max(-room, 0), max(widths[place] - LEAST_NAME, 0)) if is_foldable else 0
        widths[place] += more - less
        room -= more - less
    return widths


def _pieces(cell: str, kind: Kind, width: int) -> list[str]:
    """A cell as lines that are no wider than its column."""
    if kind is Kind.long:
        line = " ".join(cell.split("\n"))
        return [line if cell_len(line) <= width else f"{set_cell_size(line, width - 1)}{CUT}"]
    lines = cell.split("\n")
    return lines if kind in (Kind.lines, Kind.number) else [piece for line in lines for piece in _folded(line, width)]


def _folded(line: str, width: int) -> list[str]:
    if cell_len(line) <= width:
        return [line]
    if cell_len(line) == len(line) and " " in line:
        return textwrap.wrap(line, width, break_on_hyphens=False) or [""]
    return chop_cells(line, width)


def _aligned(piece: str, width: int, kind: Kind) -> str:
    blank = " " * max(width - cell_len(piece), 0)
    return f"{blank}{piece}" if kind is Kind.number else f"{piece}{blank}"
