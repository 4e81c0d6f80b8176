"""What the command line names and loads only when it is used: `fleet --help` needs nothing of it, and half of what a
short command takes is loading.

Belongs here: standing for a class, or for a group of commands. Does not belong here: any command.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperGroup


class Later:
    """Stands for a class of another module, which is loaded when it is called or asked for something."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:
        return getattr(import_module(self._module), self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._real()(*arguments, **named)


def later_group(module: str, summary: str) -> typer.Typer:
    """A group of commands whose Typer is the `app` of a module; `summary` stands for it in the list of all commands."""

    class Group(_LaterGroup):
        source = module

    return typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode="markdown", help=summary)


class _LaterGroup(TyperGroup):
    source: str

    @cached_property
    def _real(self) -> Any:
        return typer.main.get_group(import_module(self.source).app)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self._real.list_commands(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self._real.get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help of the group itself."""
        self._real.format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Call what the group does before any of its commands, and the command."""
        self.callback = self._real.callback
        return super().invoke(ctx)
