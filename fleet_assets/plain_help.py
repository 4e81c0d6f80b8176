"""Help of commands as a person expects it: a switch takes no value, so that its help shows no type; a command that
there is not leads to the one that was meant.

Belongs here: what all Typer apps of the project have in common. Does not belong here: any command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from fleet_assets.wording import or_meant

Function = TypeVar("Function", bound=Callable[..., Any])


def _plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


class PlainCommand(TyperCommand):
    """A command whose switches are shown without `<bool>`."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group whose switches are shown without `<bool>`, and which proposes a command for an unknown one."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no command {args[0]}{or_meant(args[0], known) or '; there are: ' + ', '.join(known)}")
        return super().resolve_command(ctx, args)


class PlainTyper(typer.Typer):
    """An app whose commands are `PlainCommand`s."""

    def __init__(self, *, cls: type[TyperGroup] = PlainGroup, **named: Any) -> None:
        super().__init__(cls=cls, **named)

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = PlainCommand, **named: Any
    ) -> Callable[[Function], Function]:
        """Declare a command, as Typer does."""
        return super().command(name, cls=cls, **named)
