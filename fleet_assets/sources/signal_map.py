"""Signal maps: which signal of which message becomes which telemetry column.

Belongs here: reading and validating the YAML, and which entry wins. Does not belong here: values (`sources.can`).

A map is a YAML text:

    name: my_trucks
    signals:
      - {message: EEC1, signal: EngineSpeed, column: engine_speed_rpm, unit: rpm}

Keys of an entry: `message`, `signal` and `column` are needed; `column: null` switches an entry of another map off.
`unit` is used where the DBC states none (the DBC's own unit wins, because the same signal comes in different units);
`when` names signals of the same message and the values they must have, e.g. `{PositionValid: [1]}`;
`source_addresses` is the order in which J1939 senders are preferred; `true_values` are the values that mean yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import polars as pl
import yaml

from fleet_assets.contracts import OBSERVATIONS, TELEMETRY
from fleet_assets.contracts.errors import ReferenceInvalid
from fleet_assets.core.units import conversion, known_unit

POSITION = ("latitude_deg", "longitude_deg")
"""Columns that make sense only together and from one message."""

MAPPABLE = tuple(name for name in OBSERVATIONS if TELEMETRY.schema[name] != pl.List(pl.String))


@dataclass(frozen=True)
class Entry:
    """One signal that becomes a column (None: that becomes none); see the module for the meaning of the rest."""

    message: str
    signal: str
    column: str | None
    unit: str | None = None
    when: Mapping[str, frozenset[float]] = field(default_factory=dict)
    source_addresses: tuple[int, ...] = ()
    true_values: frozenset[float] = frozenset()

    @property
    def key(self) -> tuple[str, str]:
        return self.message, self.signal


@dataclass(frozen=True)
class SignalMap:
    """Entries in order of preference: where two give the same column, the first that has data wins."""

    entries: tuple[Entry, ...]

    def for_column(self, column: str) -> tuple[Entry, ...]:
        """Entries that give this column, the preferred first."""
        return tuple(entry for entry in self.entries if entry.column == column)


def load_signal_maps(texts: Sequence[str], files: Sequence[str] = ()) -> SignalMap:
    """One map of several YAML texts. A later text comes before the earlier ones and replaces their entries of the same
    message and signal. Raises ReferenceInvalid with one sentence per mistake, under the name of the text's file."""
    merged: dict[tuple[str, str], Entry] = {}
    for number, text in enumerate(texts, start=1):
        entries = _entries(text, files[number - 1] if files else f"signal map {number}")
        replaced = {entry.key for entry in entries}
        merged = {entry.key: entry for entry in entries} | {k: e for k, e in merged.items() if k not in replaced}
    mapped = tuple(entry for entry in merged.values() if entry.column is not None)
    problems = list(_lonely_positions(mapped))
    if problems:
        raise ReferenceInvalid("signal maps", problems)
    return SignalMap(mapped)


def _entries(text: str, name: str) -> list[Entry]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ReferenceInvalid(name, [f"it is not YAML ({' '.join(str(error).split())})"]) from error
    if content is None:
        return []
    if not isinstance(content, dict) or not isinstance(content.get("signals"), list):
        raise ReferenceInvalid(name, ["it has no list `signals`"])
    problems: list[str] = []
    entries = []
    for number, row in enumerate(content["signals"], start=1):
        found = [f"entry {number}: {problem}" for problem in _problems(row)]
        problems += found
        if not found:
            entries.append(_entry(row))
    problems += _repeated(entries)
    if problems:
        raise ReferenceInvalid(name, problems)
    return entries


_KEYS = ("message", "signal", "column", "unit", "when", "source_addresses", "true_values")


def _problems(row: Any) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{row!r} is not a mapping of keys to values"
        return
    for key in row:
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, n=1)
            yield f"the key {key} is unknown" + (f" (did you mean {near[0]}?)" if near else "")
    for key in ("message", "signal"):
        if not isinstance(row.get(key), str) or not row[key]:
            yield f"{key} is missing"
    if "column" not in row:
        yield "column is missing (null switches the signal off)"
    elif row["column"] is not None:
        yield from _column_problems(row["column"], row.get("unit"))
    yield from _option_problems(row)


def _column_problems(column: Any, unit: Any) -> Iterator[str]:
    if column not in MAPPABLE:
        near = get_close_matches(str(column), MAPPABLE, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        yield f"{column} is no telemetry column that a signal can fill{hint}"
        return
    if unit is None or TELEMETRY.schema[column] == pl.Boolean:
        return
    wanted = TELEMETRY.column(column).unit
    if not isinstance(unit, str) or known_unit(unit) is None:
        yield f"the unit {unit!r} is unknown"
    elif conversion(unit, wanted) is None:
        yield f"{unit} cannot be converted to {wanted}, the unit of {column}"


def _option_problems(row: dict[Any, Any]) -> Iterator[str]:
    when = row.get("when") or {}
    if not isinstance(when, dict) or not all(_numbers(_listed(values)) for values in when.values()):
        yield "when must name signals and lists of numbers, e.g. {PositionValid: [1]}"
    addresses = _listed(row.get("source_addresses") or [])
    if not all(isinstance(address, int) and 0 <= address <= 0xFD for address in addresses):
        yield "source_addresses must be a list of whole numbers from 0 to 253"
    if not _numbers(_listed(row.get("true_values") or [])):
        yield "true_values must be a list of numbers"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _numbers(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _entry(row: dict[str, Any]) -> Entry:
    when = {name: frozenset(float(n) for n in _listed(values)) for name, values in (row.get("when") or {}).items()}
    return Entry(
        row["message"], row["signal"], row["column"], row.get("unit"), when,
        tuple(_listed(row.get("source_addresses") or [])),
        frozenset(float(n) for n in _listed(row.get("true_values") or [])),
    )  # fmt: skip


def _repeated(entries: list[Entry]) -> list[str]:
    keys = [entry.key for entry in entries]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    return [f"{message}.{signal} stands there twice" for message, signal in repeated]


def _lonely_positions(entries: Sequence[Entry]) -> Iterator[str]:
    held = {column: {entry.message for entry in entries if entry.column == column} for column in POSITION}
    for message in sorted(held[POSITION[0]] ^ held[POSITION[1]]):
        given = POSITION[0] if message in held[POSITION[0]] else POSITION[1]
        yield f"message {message} gives {given} alone, so that no position would be from one fix"
