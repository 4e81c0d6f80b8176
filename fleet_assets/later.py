"""What is named and loaded only when it is used: half of what a short command takes is loading.

Belongs here: standing for a module, or for a function or class of one. Does not belong here: which ones are worth it
(whoever names them; type checkers are shown the real import).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """Stands for a module, or for `name` of one, which is loaded when it is called or asked for something.

    `module` is where `name` is defined: whoever asks a function for its module is told the same.
    """

    def __init__(self, module: str, name: str = "") -> None:
        self.__module__, self._name = module, name

    def _real(self) -> Any:
        module = import_module(self.__module__)
        return getattr(module, self._name) if self._name else module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._real()(*arguments, **named)
