"""Frames and bindings as the tests write them down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from fleet_assets.contracts import RAW_CAN
from fleet_assets.core.can import Bindings, bind, compile_database, decode, signals_long

START = datetime(2026, 3, 1, 12, tzinfo=UTC)

HEAD = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: X\n\n'


@dataclass(frozen=True)
class Frame:
    """One frame; `at` in seconds after START."""

    id: int
    data: bytes
    at: float = 0.0
    extended: bool = False
    bus: str = "can0"
    vehicle: str = "v1"
    dlc: int | None = None
    error: bool = False
    fd: bool = False


def raw_can(frames: Iterable[Frame]) -> pl.DataFrame:
    """RAW_CAN rows; a frame's entry is its place."""
    rows = [
        (START + timedelta(seconds=f.at), START + timedelta(seconds=f.at + 1), f.vehicle, f.bus, f.id, f.extended, f.fd,
         f.error, len(f.data) if f.dlc is None else f.dlc, f.data, f"{place:06d}")
        for place, f in enumerate(frames)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=RAW_CAN.schema, orient="row")


def dbc(*messages: str) -> str:
    return HEAD + "\n\n".join(messages) + "\n"


def bindings(*texts: str, bus: str = "*", vehicle: str = "v1") -> Bindings:
    """All texts bound to one bus, the first the preferred."""
    databases = {f"d{k}": compile_database(text, f"d{k}") for k, text in enumerate(texts)}
    pairs = {"vehicle_id": [vehicle] * len(texts), "bus": [bus] * len(texts), "dbc": list(databases)}
    return bind(pl.DataFrame(pairs), databases)


def signals(frames: Iterable[Frame], bound: Bindings) -> list[tuple[str, float | None]]:
    """(signal, value) in the order of frames and signals."""
    return [(name, value) for name, value in long(frames, bound).select("signal", "value").iter_rows()]


def long(frames: Iterable[Frame], bound: Bindings) -> pl.DataFrame:
    return signals_long(decode(raw_can(frames), bound))
