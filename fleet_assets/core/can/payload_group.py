"""Payloads of one message, many at a time: rows of frames, lengths, and the bits of a signal as words.

Belongs here: the choice between words (8 bytes and less) and byte matrices. Does not belong here: arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.database import Signal
from fleet_assets.core.can.extraction import window
from fleet_assets.core.can.payload import U8, U32, U64, Places

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Payloads:
    """Whole payloads: number of the completing frame of each, rows of bytes with padding behind, and their lengths."""

    rows: U32
    matrix: U8
    lengths: Index

    def group(self, index: Index, needed: int) -> PayloadGroup:
        """Those at these places; `needed`: bytes of a payload that is not short."""
        lengths = self.lengths[index]
        short = np.flatnonzero(lengths < needed)
        return PayloadGroup(self.rows[index], short, lengths[short], matrix=self.matrix[index])


@dataclass(frozen=True)
class PayloadGroup:
    """`rows`: number of the frame that completed each payload; `short`: places of the payloads that end before their
    message does, ascending, and `short_lengths` their bytes. One of `words` (all signals lie in the first 8 bytes) and
    `matrix` (rows of bytes with padding) holds the bits."""

    rows: U32
    short: Places
    short_lengths: Places
    words: U64 | None = None
    matrix: U8 | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def without(self, signal: Signal) -> Places:
        """Places of the payloads in which the signal is not complete."""
        return self.short[self.short_lengths < signal.needed_bytes]

    def own(self) -> PayloadGroup:
        """The same payloads in memory that nothing else writes to."""
        words = None if self.words is None else self.words.copy()
        return replace(self, short=self.short.copy(), short_lengths=self.short_lengths.copy(), words=words)

    def take(self, index: Index) -> PayloadGroup:
        """The payloads at these places, which ascend."""
        places, of_short = self._short_among(index)
        return PayloadGroup(
            self.rows[index],
            places,
            self.short_lengths[of_short],
            None if self.words is None else self.words[index],
            None if self.matrix is None else self.matrix[index],
        )

    def _short_among(self, index: Index) -> tuple[Places, Places]:
        """Which of these payloads are short, and where among the short ones; the fewer are looked up in the others."""
        if len(self.short) <= len(index):
            places = np.searchsorted(index, self.short)
            is_taken = index[np.minimum(places, len(index) - 1)] == self.short
            return places[is_taken], np.flatnonzero(is_taken)
        found = np.searchsorted(self.short, index)
        is_short = self.short[np.minimum(found, len(self.short) - 1)] == index
        return np.flatnonzero(is_short), found[is_short]

    def source(self, signal: Signal) -> tuple[U64, Signal]:
        """A word per payload, and the signal as it stands in that word."""
        if self.words is not None:
            return self.words, signal
        assert self.matrix is not None
        return window(self.matrix, signal), replace(signal, first_bit=0)
