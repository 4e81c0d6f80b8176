"""One block of memory for the values of many messages.

Belongs here: handing out parts of it. Does not belong here: what is written there.

The system hands out fresh memory page by page, which costs more than decoding; one large block comes in huge pages.
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.compiled import F64


class Arena:
    """Memory for so many values; what does not fit gets memory of its own."""

    def __init__(self, size: int) -> None:
        self._block = np.empty(size)
        self._used = 0

    def matrix(self, rows: int, columns: int) -> F64:
        """An uninitialised matrix, its rows contiguous."""
        end = self._used + rows * columns
        if end > len(self._block):
            return np.empty((rows, columns))
        part = self._block[self._used : end].reshape(rows, columns)
        self._used = end
        return part
