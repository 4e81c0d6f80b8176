"""What if: the events of some days under other rules, beside those that are stored. Nothing is written.

Belongs here: computing such days, and what differs. Does not belong here: the rules (`core`), how a difference is told
(`commands.whatif`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from functools import reduce
from math import isfinite
from typing import Any

import polars as pl

from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import Days, DayTable
from fleet_assets.pipeline.days import midnight
from fleet_assets.wording import meant

_ROUNDING = 1e-6
"""Share by which a number may differ that is a sum begun elsewhere."""

CHANGE = "change"
"""Column of a difference: `new` under the other rules, `gone` under them, `changed`, or `same`."""


def under(maker: DayTable, changed: Mapping[str, float]) -> DayTable:
    """The same table with some of its rules changed, by their names (`rule_values`).

    Raises UsageError for a rule that the table does not have, with the nearest names, and for a value that no such rule
    can take: none is below 0, and a whole number counts something, so it is 1 at least.
    """
    rules = rules_of(maker)
    known = _paths(rules)
    for name, value in changed.items():
        if name not in known:
            there_are = f"; there are: {', '.join(sorted(known))}"
            raise UsageError(f"{maker.table.name} has no rule {name}{meant(name, [*known]) or there_are}")
        is_whole = isinstance(reduce(getattr, known[name], rules), int)
        least, numbers = (1, "whole number") if is_whole else (0, "number")
        if not isfinite(value) or value < least or (is_whole and value != int(value)):
            raise UsageError(f"{name} takes a {numbers} of at least {least}, not {value:g}")
        rules = _with_rule(rules, known[name], value)
    return replace(maker, rules=lambda: rules)


def _with_rule(rules: Any, path: Sequence[str], value: float) -> Any:
    """The rules with one number changed, in themselves or in a part of them."""
    held = getattr(rules, path[0])
    return replace(rules, **{path[0]: _with_rule(held, path[1:], value) if path[1:] else type(held)(value)})


def rules_of(maker: DayTable) -> Any:
    """The rules in force of a table that declares any."""
    assert maker.rules is not None
    return maker.rules()


def rule_values(rules: Any) -> dict[str, float]:
    """Every number among the rules, by its name; of one that several parts have, by `part.name`."""
    return {name: reduce(getattr, path, rules) for name, path in _paths(rules).items()}


def _paths(rules: Any) -> dict[str, tuple[str, ...]]:
    """The way to every number among the rules, by its name."""
    found = [*_numbers(rules, ())]
    counts = Counter(path[-1] for path in found)
    return {path[-1] if counts[path[-1]] == 1 else ".".join(path): path for path in found}


def _numbers(rules: Any, way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for one in fields(rules):
        held = getattr(rules, one.name)
        if is_dataclass(held):
            yield from _numbers(held, (*way, one.name))
        elif isinstance(held, int | float) and not isinstance(held, bool):
            yield (*way, one.name)


def computed(
    installation: Installation, maker: DayTable, first: date, last: date, days_at_once: int = 1
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Events that became final from `first` to `last` (UTC days, inclusive), some days at once: how many days, and
    their rows. Several at once are worked on as a whole, so that their numbers are those of the days to rounding."""
    day = first
    while day <= last:
        until = min(day + timedelta(days=days_at_once - 1), last)
        days = Days(day, until, is_whole=days_at_once > 1)
        yield (until - day).days + 1, maker.table.conform(maker.made_of(installation, days).frame).collect()
        day = until + timedelta(days=1)


def stored(installation: Installation, maker: DayTable, first: date, last: date) -> pl.DataFrame:
    """The events of the same days as they are in the lake."""
    return installation.lake.window(maker.table, midnight(first), midnight(last + timedelta(days=1))).collect()


def difference(maker: DayTable, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Every event of either, once, with `change`; values under the present rules have the suffix `_now`, those under
    the others `_then`. When an event became final, and in which words, is no part of what it is, nor is rounding."""
    key = list(maker.table.key)
    told = (*key, "vehicle_id", "closed_at", "rules_version", "evidence")
    measured = [name for name in maker.table.schema if name not in told]
    joined = _suffixed(before, key, measured, "_now").join(
        _suffixed(after, key, measured, "_then"), on=key, how="full", coalesce=True
    )
    is_now, is_then = (pl.col(f"_has{suffix}").fill_null(value=False) for suffix in ("_now", "_then"))
    is_same = pl.all_horizontal(_is_same(name, maker.table.schema[name]) for name in measured)
    change = (
        pl.when(~is_now).then(pl.lit("new")).when(~is_then).then(pl.lit("gone")).when(is_same).then(pl.lit("same"))
        .otherwise(pl.lit("changed"))
    )  # fmt: skip
    at = pl.coalesce("started_at_now", "started_at_then")
    vehicle = pl.coalesce("vehicle_id_now", "vehicle_id_then").alias("vehicle_id")
    ordered = joined.with_columns(change.alias(CHANGE), vehicle, at.alias("_at")).sort("vehicle_id", "_at", *key)
    pairs = [f"{name}{suffix}" for name in measured for suffix in ("_now", "_then")]
    return ordered.select(CHANGE, "vehicle_id", *key, *pairs)


def _is_same(name: str, kind: pl.DataType) -> pl.Expr:
    now, then = pl.col(f"{name}_now"), pl.col(f"{name}_then")
    near = (now - then).abs() <= _ROUNDING * (1 + now.abs()) if kind.is_float() else now == then
    return (now.is_null() & then.is_null()) | near.fill_null(value=False)


def _suffixed(rows: pl.DataFrame, key: Sequence[str], measured: Sequence[str], suffix: str) -> pl.DataFrame:
    values = [pl.col(name).alias(f"{name}{suffix}") for name in ("vehicle_id", *measured)]
    return rows.select(*key, *values, pl.lit(value=True).alias(f"_has{suffix}"))
