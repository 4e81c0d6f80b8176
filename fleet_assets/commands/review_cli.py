"""The options of `fleet review`. Does not belong here: what is listed and written (`commands.review`)."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_assets.contracts.reference import REVIEW_REASONS
from fleet_assets.installation import Installation
from fleet_assets.plain_help import PlainTyper

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="What people say of thefts: **list**, **accept**, **reject**.\n\n"
    "Reviews stand in the reference table theft_reviews: the newest of an event counts, none is removed.",
)

Event = Annotated[str, typer.Argument(help="event_id, as `fleet review list` shows it.", metavar="EVENT")]
Note = Annotated[str, typer.Option(help="Words of your own.")]
Reviewer = Annotated[str, typer.Option(help="Who says so; by default the name you are logged in by.")]


@app.command("list")
def list_command(
    vehicle: Annotated[str, typer.Option(help="Only of one vehicle.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 20,
    is_with_reviewed: Annotated[bool, typer.Option("--all", help="Those that are reviewed already, too.")] = False,
) -> None:
    """Thefts and losses to be reviewed: the most probable first, or the newest where no model has scored them."""
    from fleet_assets.commands.review import run_list

    run_list(Installation.from_environment(), vehicle, limit, is_with_reviewed=is_with_reviewed)


@app.command()
def accept(
    event: Event,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(REVIEW_REASONS['theft'])}.")] = "other",
    note: Note = "",
    reviewer: Reviewer = "",
) -> None:
    """It was a theft.

    Example: `fleet review accept 4be1c07a90d2f3e8 --reason siphoned --note "cap was forced"`
    """
    from fleet_assets.commands.review import run_review

    run_review(Installation.from_environment(), event, "theft", reason, (note, reviewer))


@app.command()
def reject(
    event: Event,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(REVIEW_REASONS['no_theft'])}.")] = "other",
    note: Note = "",
    reviewer: Reviewer = "",
) -> None:
    """It was no theft.

    Example: `fleet review reject 4be1c07a90d2f3e8 --reason sensor`
    """
    from fleet_assets.commands.review import run_review

    run_review(Installation.from_environment(), event, "no_theft", reason, (note, reviewer))
