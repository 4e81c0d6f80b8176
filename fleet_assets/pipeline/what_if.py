"""What if: the events of some days under other rules, beside those that are stored. Nothing is written.

Belongs here: computing such days, and what differs. Does not belong here: the rules (`core`), how a difference is told
(`commands.whatif`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

import polars as pl

from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DayTable
from fleet_assets.pipeline.days import midnight

CHANGE = "change"
"""Column of a difference: `new` under the other rules, `gone` under them, `changed`, or `same`."""


def under(maker: DayTable, changed: Mapping[str, float]) -> DayTable:
    """The same table with some of its rules changed, by the names of their fields, which are unique within the rules.

    Raises UsageError for a rule that the table does not have, with the nearest names.
    """
    rules = rules_of(maker)
    for name, value in changed.items():
        rules = _with_rule(rules, name, value)
        if rules is None:
            raise UsageError(f"{maker.table.name} has no rule {name}{_alike(name, rule_values(rules_of(maker)))}")
    return replace(maker, rules=lambda: rules)


def rules_of(maker: DayTable) -> Any:
    """The rules in force of a table that declares any."""
    assert maker.rules is not None
    return maker.rules()


def _with_rule(rules: Any, name: str, value: float) -> Any:
    """The rules with one field changed, in themselves or in a part of them; None where no field has the name."""
    for one in fields(rules):
        held = getattr(rules, one.name)
        if one.name == name and not is_dataclass(held):
            return replace(rules, **{name: type(held)(value)})
        if is_dataclass(held):
            part = _with_rule(held, name, value)
            if part is not None:
                return replace(rules, **{one.name: part})
    return None


def rule_values(rules: Any) -> dict[str, float]:
    """Every number among the rules, by its name."""
    found: dict[str, float] = {}
    for one in fields(rules):
        held = getattr(rules, one.name)
        if is_dataclass(held):
            found |= rule_values(held)
        elif isinstance(held, int | float) and not isinstance(held, bool):
            found[one.name] = held
    return found


def _alike(name: str, known: Mapping[str, float]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are: {', '.join(sorted(known))}"


def computed(
    installation: Installation, maker: DayTable, first: date, last: date, days_at_once: int = 1
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Events that became final from `first` to `last` (UTC days, inclusive), some days at once: how many days, and
    their rows. A span of days gives what its days give one by one."""
    day = first
    while day <= last:
        until = min(day + timedelta(days=days_at_once - 1), last)
        yield (until - day).days + 1, maker.table.conform(maker.made(installation, day, until).frame).collect()
        day = until + timedelta(days=1)


def stored(installation: Installation, maker: DayTable, first: date, last: date) -> pl.DataFrame:
    """The events of the same days as they are in the lake."""
    return installation.lake.window(maker.table, midnight(first), midnight(last + timedelta(days=1))).collect()


def difference(maker: DayTable, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Every event of either, once, with `change`; values under the present rules have the suffix `_now`, those under
    the others `_then`. When an event became final is no part of what it is."""
    key = list(maker.table.key)
    measured = [name for name in maker.table.schema if name not in (*key, "vehicle_id", "closed_at", "rules_version")]
    joined = _suffixed(before, key, measured, "_now").join(
        _suffixed(after, key, measured, "_then"), on=key, how="full", coalesce=True
    )
    is_now, is_then = (pl.col(f"_has{suffix}").fill_null(value=False) for suffix in ("_now", "_then"))
    is_same = pl.all_horizontal(pl.col(f"{name}_now").eq_missing(pl.col(f"{name}_then")) for name in measured)
    change = (
        pl.when(~is_now).then(pl.lit("new")).when(~is_then).then(pl.lit("gone")).when(is_same).then(pl.lit("same"))
        .otherwise(pl.lit("changed"))
    )  # fmt: skip
    at = pl.coalesce("started_at_now", "started_at_then")
    vehicle = pl.coalesce("vehicle_id_now", "vehicle_id_then").alias("vehicle_id")
    told = joined.with_columns(change.alias(CHANGE), vehicle, at.alias("_at")).sort("vehicle_id", "_at", *key)
    pairs = [f"{name}{suffix}" for name in measured for suffix in ("_now", "_then")]
    return told.select(CHANGE, "vehicle_id", *key, *pairs)


def _suffixed(rows: pl.DataFrame, key: Sequence[str], measured: Sequence[str], suffix: str) -> pl.DataFrame:
    values = [pl.col(name).alias(f"{name}{suffix}") for name in ("vehicle_id", *measured)]
    return rows.select(*key, *values, pl.lit(value=True).alias(f"_has{suffix}"))
