"""`fleet whatif`: the events of a span under other rules, what changes in number, litres and money. Writes no table.

Belongs here: what is compared and how it is told. Does not belong here: computing events (`pipeline.what_if`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from fleet_assets.collector.console import Console
from fleet_assets.collector.file_progress import passing_bar
from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.commands.output_file import ending_of, write_rows
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DayTable
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.pipeline.what_if import CHANGE, computed, difference, rule_values, rules_of, stored, under
from fleet_assets.wording import counted


@dataclass(frozen=True)
class Subject:
    """What can be asked about: the table, the column by which its events are counted apart, what is summed (its name:
    the column, and how many of its units are one of the sum's), and how many days are worked on at once."""

    table: str
    by: str
    sums: Mapping[str, tuple[str, float]]
    days_at_once: int


SUBJECTS = {
    "fuel": Subject("fuel_events", "kind", {"litres": ("volume_l", 1), "unexplained l": ("unexplained_l", 1)}, 92),
    "trips": Subject(
        "trips", "end_reason",
        {"km": ("distance_km", 1), "driving h": ("moving_s", 3600), "fuel l": ("fuel_used_l", 1)}, 1,
    ),
}  # fmt: skip
"""Events of fuel read a month of small rows for each day, so a quarter at once; trips read telemetry, day by day."""

COST, CURRENCY = "cost", "currency"


def run_whatif(
    installation: Installation, subject: str, changed: Mapping[str, float], days: tuple[date | None, date | None],
    output: Path | None,
) -> None:  # fmt: skip
    """Compare, tell on standard output, and write every event with what changed to `output` where one is given.

    Raises UsageError for a rule that does not exist, for no rule that differs, and for a span without stored days.
    """
    if output:
        ending_of(output)
    asked, console = SUBJECTS[subject], Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    maker = DAY_TABLES[asked.table]
    other = under(maker, changed)
    if rules_of(other) == rules_of(maker):
        why = "these values are already in force" if changed else "no rule was changed"
        raise UsageError(f"{why}; change at least one of: {_present(maker)}")
    first, last = _span(installation, maker, days)
    before, after = stored(installation, maker, first, last), _computed(installation, other, asked, first, last)
    found = difference(maker, before, after)
    for line in (f"{asked.table} that became final from {first} to {last}:", *_rules(maker, other)):
        console.print(line)
    console.print(_table(totals(asked, before, after)))
    console.print(_said(found))
    if output:
        write_rows(output, found)
        console.print(f"{output}: {counted(found.height, 'event')}")


def _present(maker: DayTable) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in sorted(rule_values(rules_of(maker)).items()))


def _rules(maker: DayTable, other: DayTable) -> list[str]:
    present, then = (rule_values(rules_of(one)) for one in (maker, other))
    return [f"  {name} {then[name]:g} instead of {now:g}" for name, now in present.items() if then[name] != now]


def _span(installation: Installation, maker: DayTable, days: tuple[date | None, date | None]) -> tuple[date, date]:
    """The days asked for, as far as there are any; without, all that are stored."""
    known = installation.lake.days(maker.table)
    within = [day for day in known if (days[0] is None or day >= days[0]) and (days[1] is None or day <= days[1])]
    if not within:
        held = f"it holds {known[0]} to {known[-1]}" if known else "`fleet build` makes it"
        raise UsageError(f"{maker.table.name} has no day in that span; {held}")
    return within[0], within[-1]


def _computed(installation: Installation, maker: DayTable, asked: Subject, first: date, last: date) -> pl.DataFrame:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} days"),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    frames = [maker.table.empty()]
    with passing_bar(Console(stderr=True), *columns) as progress:
        bar = progress.add_task(maker.table.name, total=(last - first).days + 1)
        for count, rows in computed(installation, maker, first, last, asked.days_at_once):
            frames.append(rows)
            progress.advance(bar, count)
    return pl.concat(frames)


def totals(asked: Subject, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Rows `kind`, `what`, `now`, `then`: of each kind of event how many there are, and every sum; money by currency,
    never added across, and only of kinds of which some event tells it. A sum is 0 where a side has no event of the
    kind, and null, not known, where it has some and none of them tells it."""
    sides = [_sums(asked, rows).rename({"value": name}) for name, rows in (("now", before), ("then", after))]
    both = sides[0].join(sides[1], on=["kind", "what"], how="full", coalesce=True)
    order = {name: place for place, name in enumerate(["events", *asked.sums])}
    place = pl.col("what").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    told = both.filter((place < len(order)) | pl.any_horizontal(pl.col("now", "then").is_not_null()))
    return told.with_columns(_nothing_without_events("now"), _nothing_without_events("then")).sort(
        "kind", place, "what"
    )


def _nothing_without_events(side: str) -> pl.Expr:
    """A side that tells nothing of a kind, not even how many events, has none."""
    return pl.when(pl.col(side).count().over("kind") > 0).then(side).otherwise(0.0).alias(side)


def _sums(asked: Subject, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows `kind`, `what`, `value`; null where no event of the kind tells it."""
    sums = [_sum(pl.col(column)).truediv(unit).alias(name) for name, (column, unit) in asked.sums.items()]
    grouped = rows.group_by(pl.col(asked.by).alias("kind")).agg(pl.len().alias("events"), *sums, *_money(rows))
    return grouped.unpivot(index="kind", variable_name="what").with_columns(pl.col("value").cast(pl.Float64))


def _sum(values: pl.Expr) -> pl.Expr:
    """Null, not 0, where none is known."""
    return pl.when(values.count() > 0).then(values.sum())


def _money(rows: pl.DataFrame) -> list[pl.Expr]:
    """Costs by currency; those of a currency without a name too."""
    if CURRENCY not in rows.columns:
        return []
    currencies = rows.filter(pl.col(COST).is_not_null())[CURRENCY].unique().sort()
    return [
        _sum(pl.col(COST).filter(pl.col(CURRENCY).eq_missing(pl.lit(one, pl.String)))).alias(
            f"cost {one or ''}".strip()
        )
        for one in currencies
    ]


def _table(rows: pl.DataFrame) -> Grid:
    table = Grid("kind", "", *(Heading(name, Kind.number) for name in ("now", "then", "change")))
    before = None
    for kind, what, now, then in rows.iter_rows():
        change = None if now is None or then is None else then - now
        digits = 0 if what == "events" else 1
        numbers = _number(now, digits), _number(then, digits), _number(change, digits, "+")
        table.add("" if kind == before else kind.replace("_", " "), what, *numbers)
        before = kind
    return table


def _number(value: float | None, digits: int, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign},.{digits}f}"


def _said(found: pl.DataFrame) -> str:
    counts = dict(found.group_by(CHANGE).len().iter_rows())
    return ", ".join(f"{counts.get(change, 0)} {change}" for change in ("new", "gone", "changed", "same"))
