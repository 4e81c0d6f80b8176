"""Compilation of the few kernels that must walk observations one after the other (states, anchors, hysteresis).

Belongs here: the decorator, the array types and how arrays are given to kernels. Does not belong here: any kernel.

Numba is loaded when the first kernel is called: a third of a second that those do not pay who only plan, ask or land.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I8 = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]

_Function = TypeVar("_Function", bound=Callable[..., object])
_Array = TypeVar("_Array", bound=npt.NDArray[Any])


def cache_folder(base: Path, sources: Path) -> Path:
    """Where compiled kernels of exactly these sources are kept.

    Numba compiles helpers into their callers and knows a kernel's age by its own file alone: after an upgrade that
    changed a helper in another file, a kept kernel would go on computing what the old version did.
    """
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return base / f"kernels-{digest.hexdigest()[:16]}"


@cache
def _numba() -> Any:
    """Numba, which keeps kernels by the sources of this package, and knows those here as they are called."""
    import numba
    from numba.core import config as numba_config
    from numba.extending import typeof_impl

    config: Any = numba_config
    sources = Path(__file__).parent
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else sources / "__pycache__"
    if config.CACHE_DIR or os.access(sources, os.W_OK):
        config.CACHE_DIR = str(cache_folder(base, sources))
    # A kernel that another one calls is to Numba what it is compiled to.
    typeof_impl.register(_Kernel, lambda one, context: typeof_impl(one.compiled, context))
    return numba


class _Kernel:
    """A function that is compiled when it is first called, from Python or from another kernel."""

    def __init__(self, function: Callable[..., object]) -> None:
        update_wrapper(self, function)
        self._function = function

    @cached_property
    def compiled(self) -> Callable[..., object]:
        numba = _numba()
        _register_helpers()
        return cast(Callable[..., object], numba.njit(cache=True, nogil=True)(self._function))

    def __call__(self, *arguments: object) -> object:
        return self.compiled(*arguments)


def _register_helpers() -> None:
    """Tell Numba of the helpers that were declared since the last kernel; those that it knows are among them once."""
    from numba.extending import register_jitable

    while _helpers:
        register_jitable(_helpers.pop(0))


_helpers: list[Callable[..., object]] = []


def read_only(array: _Array) -> _Array:
    """The same array, which nobody may write any more.

    Kernels are compiled for each combination of arrays that may be written and that may not; polars gives columns with
    nulls or several chunks as copies and others as they are. What is read is given to kernels in this one way, or they
    would be compiled again in mid-run, for seconds, when a column has its first null.
    """
    array.flags.writeable = False
    return array


def kernel(function: _Function) -> _Function:
    """Compile for arrays at first use; kept on disk, and free of Python's lock so that batches run side by side."""
    return cast(_Function, _Kernel(function))


def helper(function: _Function) -> _Function:
    """Compile a function into the kernels that call it; Python calls it as it stands.

    It has no entry from Python, which would take apart every argument and be most of a small function; and it is
    compiled for numbers, where a kernel is compiled once more for each literal that another calls it with (`f(-1)`
    beside `f(row)`), and again all that these call.
    """
    _helpers.append(function)
    return function
