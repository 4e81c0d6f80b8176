"""Payloads of one message, many at a time: rows of frames, lengths, and the bits of a signal as words.

Belongs here: the choice between words (8 bytes and less) and byte matrices. Does not belong here: arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.database import Signal
from fleet_assets.core.can.extraction import window
from fleet_assets.core.can.payload import U8, U32, U64

Index = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.integer]


@dataclass(frozen=True)
class PayloadGroup:
    """`rows`: number of the frame that completed each payload; `lengths`: its bytes;
    `needed_bytes`: bytes in which all signals are complete. One of `words` (all signals lie in
    the first 8 bytes) and `matrix` (rows of bytes with padding) holds the bits."""

    rows: U32
    lengths: Lengths
    needed_bytes: int
    words: U64 | None = None
    matrix: U8 | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def short(self) -> Index:
        """Places of the payloads that end before their message does."""
        if not len(self) or int(self.lengths.min()) >= self.needed_bytes:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.lengths < self.needed_bytes)

    def take(self, index: Index) -> PayloadGroup:
        """The payloads at these places."""
        return PayloadGroup(
            self.rows[index],
            self.lengths[index],
            self.needed_bytes,
            None if self.words is None else self.words[index],
            None if self.matrix is None else self.matrix[index],
        )

    def source(self, signal: Signal) -> tuple[U64, Signal]:
        """A word per payload, and the signal as it stands in that word."""
        if self.words is not None:
            return self.words, signal
        assert self.matrix is not None
        return window(self.matrix, signal), replace(signal, first_bit=0)
