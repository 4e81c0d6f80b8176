"""How the rows of a week arrive: in pieces, late, twice, in any order, in any files.

Belongs here: the order and the files. Does not belong here: what is built in between (`history`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import polars as pl

from fleet_assets.adapters.landing import Landing
from fleet_assets_tests.proofs.histories.weeks import Week


@dataclass(frozen=True)
class Piece:
    """Some rows of one source that arrive together; `order` says when."""

    source: str
    rows: pl.DataFrame
    order: float


def arrivals(week: Week, random: Random) -> list[Piece]:
    """Every row at least once, in the order of arrival.

    Either anything comes at any time, or pieces are late by minutes, hours or days; a quarter of them come again.
    """
    is_shuffled = random.random() < 0.4
    pieces = []
    for source, rows in week.raw.items():
        for part in _cut(rows, random):
            order = random.random() if is_shuffled else _arrival(part, random)
            pieces.append(Piece(source, part, order))
            if random.random() < 0.25:
                again = part.with_columns(pl.col("received_at") + timedelta(hours=random.randrange(1, 200)))
                pieces.append(Piece(source, again, random.random() if is_shuffled else _arrival(part, random)))
    return sorted(pieces, key=lambda piece: piece.order)


def _cut(rows: pl.DataFrame, random: Random) -> list[pl.DataFrame]:
    """Pieces of very different lengths, by vehicle and time or by time alone; some without order inside."""
    rows = rows.sort("recorded_at", "entry_id") if random.random() < 0.3 else rows
    count = random.randrange(4, 24)
    installation = sorted({0, rows.height, *(random.randrange(rows.height) for _ in range(count))})
    parts = [rows[begin:end] for begin, end in pairwise(installation)]
    return [part.sample(fraction=1, shuffle=True, seed=7) if random.random() < 0.2 else part for part in parts]


def _arrival(part: pl.DataFrame, random: Random) -> float:
    newest = part["recorded_at"].max()
    assert isinstance(newest, datetime)
    late_h = random.choice((0.0, 0.1, 3.0, 30.0, 120.0)) * random.random()
    return newest.timestamp() + late_h * 3600


def batches(pieces: list[Piece], random: Random) -> list[list[Piece]]:
    """The pieces in two to five parts; something is built after each."""
    cuts = sorted(random.sample(range(1, len(pieces)), random.randrange(1, 4)))
    return [pieces[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(pieces)], strict=True)]


def land(landing: Landing, pieces: list[Piece], name: str, random: Random) -> None:
    """Put the pieces into files: one a piece, or several pieces together, or rows dealt out to several files."""
    for source in sorted({piece.source for piece in pieces}):
        rows = [piece.rows for piece in pieces if piece.source == source]
        kind = random.randrange(3)
        if kind == 0:
            files = rows
        elif kind == 1:
            files = [pl.concat(rows)]
        else:
            every = pl.concat(rows)
            files = [every.gather_every(3, offset) for offset in range(3)]
        for number, file in enumerate(files):
            landing.append(source, file, f"{random.randrange(10**6):06d}-{name}-{number}")
