"""The options of `fleet benchmark`. Does not belong here: measuring (`commands.benchmark`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet_assets.plain_help import PlainTyper

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Detectors against a simulated fleet whose truth is known: **theft**. Reads and writes no table.",
)


@app.callback()
def benchmark() -> None:
    """Detectors against a simulated fleet whose truth is known. Reads and writes no table."""


@app.command()
def theft(
    vehicles: Annotated[int, typer.Option(min=1, help="Vehicles of the fleet; ten kinds of senders in turn.")] = 60,
    months: Annotated[float, typer.Option(min=0.25, help="Months of 30 days.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Seed of everything random; another seed is another fleet.")] = 1,
    losses: Annotated[float, typer.Option(min=0.0, help="Times the usual thefts, siphoning and leaks.")] = 1.0,
    output: Annotated[Path | None, typer.Option(help="Write every figure: .csv, .json or .parquet.")] = None,
) -> None:  # fmt: skip
    """Thefts found by detectors in use today, and by the tuned rule of this platform, and their false alarms.

    Thresholds of the tuned rule are set on a fleet of another seed. Equal options give equal figures.

    Example: `fleet benchmark theft --vehicles 60 --months 2 --losses 5 --output theft.csv`
    """
    from fleet_assets.commands.benchmark import run_theft_benchmark

    run_theft_benchmark(vehicles, months, seed, losses, output)


@app.command("theft-prior")
def theft_prior(
    folder: Annotated[Path, typer.Argument(help="Folder of the files: fleet_assets/theft_prior packages them.")],
) -> None:
    """Labelled candidates of twelve simulated fleets, from which every installation fits its first model.

    Needed after a change of candidates, their features or the simulator; a test says so. Takes 20 minutes of a
    processor and 8 GB of memory. Equal code gives equal files.

    Example: `fleet benchmark theft-prior fleet_assets/theft_prior`
    """
    from fleet_assets.commands.theft_prior import run_theft_prior

    run_theft_prior(folder)
