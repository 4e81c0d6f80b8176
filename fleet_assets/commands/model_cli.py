"""The options of `fleet model`. Does not belong here: what is shown and done (`commands.model`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet_assets.installation import Installation
from fleet_assets.plain_help import PlainTyper

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The model that scores falls of tanks: **list**, **show**, **promote**, **rollback**, **train**.\n\n"
    "A first one is trained by `fleet build` once there is something to score, from simulated fleets that come with "
    "the program. Reviews (`fleet review`) count from the next training on: each Monday, when falls drift away from "
    "what was learnt from, and by `fleet model train`. A new model scores only if it is no worse on vehicles that were "
    "held out. After a promotion `fleet build` computes all scores again.",
)

Version = Annotated[str, typer.Argument(help="Version, as `fleet model list` shows it.", metavar="VERSION")]


@app.command("list")
def list_command() -> None:
    """Every model that is there, the one that scores, and those that cannot be used any more with the reason."""
    from fleet_assets.commands.model import run_list

    run_list(Installation.from_environment())


@app.command()
def show(
    version: Annotated[str, typer.Argument(help="By default the one that scores.", metavar="[VERSION]")] = "",
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for two pictures: how far probabilities hold; what is found.")
    ] = None,
) -> None:
    """What a model was learnt from, its thresholds, what each feature adds, and how well it does on held-out vehicles.

    Example: `fleet model show --pictures .`
    """
    from fleet_assets.commands.model import run_show

    run_show(Installation.from_environment(), version, pictures)


@app.command()
def promote(version: Version) -> None:
    """Have a model score from now on, whatever its figures are; `fleet build` then computes all scores again.

    Example: `fleet model promote m4be1c07a90`
    """
    from fleet_assets.commands.model import run_promote

    run_promote(Installation.from_environment(), version)


@app.command()
def rollback() -> None:
    """Go back to the model that scored before the present one; `fleet build` then computes all scores again."""
    from fleet_assets.commands.model import run_rollback

    run_rollback(Installation.from_environment())


@app.command()
def train() -> None:
    """Learn from simulated fleets and from all reviews there are; the new model scores if it is no worse.

    What was learnt from the same rows by the same code is the same model: then nothing is trained.
    """
    from fleet_assets.commands.model import run_train

    run_train(Installation.from_environment())
