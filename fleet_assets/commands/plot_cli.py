"""The options of `fleet plot`. Does not belong here: which rows are drawn (`commands.plot`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fleet_assets.collector.console import Console
from fleet_assets.installation import Installation
from fleet_assets.plain_help import PlainTyper

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Pictures of what the tables say of one vehicle: **fuel**, **charging**, **trips**.\n\n"
    "Larger versions of the pictures in Dagster's UI, drawn over the telemetry itself.",
)

Vehicle = Annotated[str, typer.Argument(help="Vehicle, as in the tables.", metavar="VEHICLE")]
First = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day; a fortnight before the last by default."),
]
Last = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day; by default the newest of which there is anything."),
]
Output = Annotated[Path | None, typer.Option(help="PNG to write; by default named by kind, vehicle and days.")]


@app.command()
def fuel(vehicle: Vehicle, first: First = None, last: Last = None, output: Output = None) -> None:
    """The level of the tank, the plateaus it was read as, refuels, thefts and faults with their litres.

    Example: `fleet plot fuel lorry-01 --from 2026-11-01 --to 2026-11-14 --output lorry-01.png`
    """
    _plot("fuel", vehicle, (first, last), output)


@app.command()
def charging(vehicle: Vehicle, first: First = None, last: Last = None, output: Output = None) -> None:
    """State of charge, and every charging session with its type and energy.

    Example: `fleet plot charging van-02 --from 2026-11-01 --to 2026-11-07`
    """
    _plot("charging", vehicle, (first, last), output)


@app.command()
def trips(vehicle: Vehicle, first: First = None, last: Last = None, output: Output = None) -> None:
    """Speed, and every trip with its kilometres and its mean speed; drives that nobody saw are hatched.

    Example: `fleet plot trips van-02 --from 2026-11-03 --to 2026-11-03`
    """
    _plot("trips", vehicle, (first, last), output)


def _plot(kind: str, vehicle: str, days: tuple[datetime | None, datetime | None], output: Path | None) -> None:
    from fleet_assets.commands.plot import run_plot

    first, last = (day.date() if day else None for day in days)
    path = run_plot(Installation.from_environment(), kind, vehicle, first, last, output)
    Console().print(f"Wrote {path}", highlight=False, soft_wrap=True)
