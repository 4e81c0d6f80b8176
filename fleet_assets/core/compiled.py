"""Compilation of the few kernels that must walk observations one after the other (states, anchors, hysteresis).

Belongs here: the decorator and the array types. Does not belong here: any kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I8 = npt.NDArray[np.int8]

_Function = TypeVar("_Function", bound=Callable[..., object])


def kernel(function: _Function) -> _Function:
    """Compile for arrays at first use; kept on disk, and free of Python's lock so that batches run side by side."""
    return cast(_Function, numba.njit(cache=True, nogil=True)(function))
