"""Which databases describe which bus of which vehicle.

It is never guessed by how many frames match. Does not belong here: decoding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from fleet_assets.core.can.database import CompiledDatabase, Message, is_diagnostic, parameter_group

ANY_BUS = "*"

_NUMBERED_BUS = re.compile(r"^(?P<prefix>\D*)(?P<number>\d+)$")
_ECHO_OFFSET = 128
"""A panda shows the frames it sent itself on the bus number + 128 (comma.ai panda protocol)."""


@dataclass(frozen=True)
class Bindings:
    """Databases per (vehicle, bus); `problems` has a sentence for each pair that names a database nobody has, and for
    each database of which something cannot be used."""

    databases: Mapping[tuple[str, str], tuple[CompiledDatabase, ...]]
    problems: tuple[str, ...] = ()
    _merged: dict[tuple[str, ...], BoundDatabase] = field(default_factory=dict, compare=False, repr=False)

    def find(self, vehicle_id: str, bus: str, buses: Collection[str] = ()) -> tuple[CompiledDatabase, ...]:
        """Databases of the bus by its name, else those for any bus of the vehicle.

        `buses` are all buses the vehicle was heard on: the echo of another bus is described only by its own name.
        """
        named = self.databases.get((vehicle_id, bus))
        if named is not None:
            return named
        return () if is_echo(bus, buses) else self.databases.get((vehicle_id, ANY_BUS), ())

    def bound(self, databases: tuple[CompiledDatabase, ...]) -> BoundDatabase:
        """The databases of one bus as one; made once per combination."""
        key = tuple(database.name for database in databases)
        if key not in self._merged:
            self._merged[key] = BoundDatabase(databases)
        return self._merged[key]


@dataclass(frozen=True)
class BoundDatabase:
    """Several databases of one bus: the first that knows an identifier describes it."""

    databases: tuple[CompiledDatabase, ...]

    @property
    def has_parameter_groups(self) -> bool:
        return any(database.by_group for database in self.databases)

    @cached_property
    def answer(self) -> Message | None:
        """What any control unit answers to OBD-II service 01."""
        return next((database.answer for database in self.databases if database.answer), None)

    def message_of(self, frame_id: int, is_extended: bool) -> Message | None:
        """By the very identifier in any database, then as an answer of OBD-II, then by J1939 parameter group."""
        for database in self.databases:
            message = database.by_id.get((frame_id, is_extended))
            if message is not None:
                return message
        if self.answer is not None and is_diagnostic(frame_id, is_extended=is_extended):
            return self.answer
        return self.message_of_group(parameter_group(frame_id)) if is_extended else None

    def message_of_group(self, group: int) -> Message | None:
        """The message of a J1939 parameter group."""
        found = (database.by_group.get(group) for database in self.databases)
        return next((message for message in found if message is not None), None)


def bind(pairs: pl.DataFrame, databases: Mapping[str, CompiledDatabase]) -> Bindings:
    """Bindings of the rows (vehicle_id, bus or `*`, dbc). A database nobody has is a problem, not an error."""
    bound: dict[tuple[str, str], list[CompiledDatabase]] = {}
    problems = []
    for vehicle_id, bus, dbc in pairs.select("vehicle_id", "bus", "dbc").unique().sort(pl.all()).iter_rows():
        name = dbc.removesuffix(".dbc")
        database = databases.get(name) or databases.get(dbc)
        if database is None:
            problems.append(f"vehicle {vehicle_id}, bus {bus}: there is no DBC file {name}")
        else:
            bound.setdefault((vehicle_id, bus), []).append(database)
            if database.dropped:
                problems.append(_partly_used(database))
    return Bindings({pair: tuple(found) for pair, found in bound.items()}, tuple(dict.fromkeys(problems)))


def _partly_used(database: CompiledDatabase) -> str:
    count = len(database.dropped)
    parts = f"{count:,} parts of it" if count > 1 else "one part of it"
    return f"DBC file {database.name}: {parts} cannot be used as written; `fleet reference check` names each"


def is_echo(bus: str, buses: Collection[str]) -> bool:
    """Whether the bus is a device's echo of what it sent itself on another of these buses (bus number + 128)."""
    match = _NUMBERED_BUS.match(bus)
    if not match or int(match["number"]) < _ECHO_OFFSET:
        return False
    return f"{match['prefix']}{int(match['number']) - _ECHO_OFFSET}" in buses
