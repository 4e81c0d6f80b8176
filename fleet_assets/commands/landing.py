"""`fleet landing prune`: options, and what went.

Does not belong here: which files may go (`pipeline.retention`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from fleet_assets.collector.console import Console
from fleet_assets.contracts.errors import UsageError
from fleet_assets.plain_help import PlainTyper
from fleet_assets.wording import counted

app = PlainTyper(no_args_is_help=True, rich_markup_mode="markdown", help="The landing zone: **prune** old files.")


@app.callback()
def landing() -> None:
    """Commands of the landing zone."""


@app.command()
def prune(
    older_than: Annotated[
        str, typer.Option(help="Age of files since they landed: 30d, 12h; FLEET_LANDING_KEEP_DAYS by default.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")] = False,
) -> None:
    """Remove landed files whose every row is durable in its raw partition; the day keeps one sealed file.

    Nothing that was not built goes. Rows that come again or late are merged as ever, `fleet build --full` rebuilds all
    tables, and a prune that was killed is simply repeated.

    Example: `fleet landing prune --older-than 30d --dry-run`
    """
    from fleet_assets.installation import Installation
    from fleet_assets.pipeline.retention import prune_now

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    found = prune_now(Installation.from_environment(), _age(older_than) if older_than else None, is_dry=dry_run)
    for day in found:
        if day.kept_because:
            console.print(f"{day.source} {day.day}: kept, {day.kept_because}")
    files, size = sum(day.files for day in found), sum(day.byte_count for day in found)
    console.print(f"{counted(files, 'file')} {'would go' if dry_run else 'removed'}, {size / 1e6:,.1f} MB")


def _age(text: str) -> timedelta:
    """A span written as days or hours."""
    match = re.fullmatch(r"(\d+)([dh])", text)
    if not match:
        raise UsageError(f"--older-than {text!r} is no age such as 30d or 12h")
    return timedelta(**{{"d": "days", "h": "hours"}[match[2]]: int(match[1])})
