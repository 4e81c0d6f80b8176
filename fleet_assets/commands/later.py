"""Groups of commands that the command line names and loads only when one of them is used: `fleet --help` needs none.

Belongs here: standing for a group. Does not belong here: any command; standing for a class (`fleet_assets.later`).
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
import typer.main

from fleet_assets.plain_help import PlainGroup, PlainTyper


def later_group(module: str, summary: str) -> typer.Typer:
    """A group of commands whose Typer is the `app` of a module; `summary` stands for it in the list of all commands."""

    class Group(_LaterGroup):
        source = module

    return PlainTyper(cls=Group, no_args_is_help=True, rich_markup_mode="markdown", help=summary)


class _LaterGroup(PlainGroup):
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
