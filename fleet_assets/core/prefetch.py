"""Prefetching: the next piece of work is made by a thread while the one before is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")


def prefetched(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces, each made by a thread while the one before is used; none of them may be None."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = maker.submit(next, pieces, None)
            yield piece
