"""The options of `fleet lake`. Does not belong here: any work of its own (`commands.lake`)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fleet_assets.contracts import TABLES
from fleet_assets.installation import Installation
from fleet_assets.plain_help import PlainTyper

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The lake's tables through time: **history** TABLE, **diff** TABLE A B, **restore** TABLE GENERATION; "
    "**export** for other engines.\n\n"
    "Whatever is stored makes a new generation of its table: a list of which file is which day. Superseded generations "
    "are kept for a while (FLEET_LAKE_KEEP_DAYS), and with them the files that they name.",
)


class Format(StrEnum):
    """What other engines read."""

    delta = "delta"


def _known_tables(incomplete: str) -> list[str]:
    """Completion of TABLE in the shell."""
    return [name for name in TABLES if name.startswith(incomplete)]


TableArgument = Annotated[
    str, typer.Argument(help="Table of the lake, such as trips.", autocompletion=_known_tables, metavar="TABLE")
]


@app.command()
def history(
    table: TableArgument,
    limit: Annotated[int, typer.Option(min=1, help="Newest generations shown.")] = 20,
) -> None:
    """The generations of a table, newest first: when and by what each was made, its days and rows, how many days it
    changed.

    Example: `fleet lake history trips`, then `fleet lake diff trips 41 42`.
    """
    from fleet_assets.commands.lake import run_history

    run_history(Installation.from_environment(), table, limit)


@app.command()
def diff(
    table: TableArgument,
    before: Annotated[int, typer.Argument(help="A generation, by its number in `fleet lake history`.", metavar="A")],
    after: Annotated[int, typer.Argument(help="The generation to compare it with.", metavar="B")],
) -> None:
    """The days that two generations do not share: added, removed, changed, with their rows in both.

    Example: `fleet lake diff trips 41 42`
    """
    from fleet_assets.commands.lake import run_diff

    run_diff(Installation.from_environment(), table, before, after)


@app.command()
def restore(
    table: TableArgument,
    generation: Annotated[int, typer.Argument(help="The generation to go back to.", metavar="GENERATION")],
) -> None:
    """Make a table what it was: a new generation that equals an old one. Nothing is lost, so it can be undone.

    Days keep the records that they had. One that was made from other inputs or code than there are now is stale, and
    the next `fleet build`, or the daemon, makes it anew: mend the cause first.

    Example: `fleet lake restore trips 41`
    """
    from fleet_assets.commands.lake import run_restore

    run_restore(Installation.from_environment(), table, generation)


@app.command()
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")] = False,
) -> None:
    """Remove superseded generations and files that are no longer kept; builds do so by themselves now and then.

    Kept are all that were the newest in the last FLEET_LAKE_GRACE_HOURS, and the last one of each of the last
    FLEET_LAKE_KEEP_DAYS days on which something was stored.
    """
    from fleet_assets.commands.lake import run_sweep

    run_sweep(Installation.from_environment(), dry_run)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where the tables are published.", metavar="DIR")],
    tables: Annotated[
        list[str] | None,
        typer.Argument(help="Tables; all that have rows stored by default.", autocompletion=_known_tables),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="delta: for Spark, Trino, DuckDB.")] = Format.delta,
) -> None:
    """Publish tables for other engines: one generation of each, as a table in DIR, read-only, without copying rows.

    Files are hard links to those of the lake (copies where DIR lies on another disk). The same call again publishes
    what has changed since as one new version.

    Example: `fleet lake export --format delta /srv/delta trips stops`
    """
    from fleet_assets.commands.lake import run_export

    del output_format
    run_export(Installation.from_environment(), folder, tables or [])
