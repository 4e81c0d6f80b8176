"""The options of `fleet whatif`. Does not belong here: comparing (`commands.whatif`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.plain_help import PlainTyper

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="What other rules would find: **fuel**, **trips**. Nothing that is stored changes.\n\n"
    "Events are counted as stored (now) and as they would be (then), with litres, kilometres and money; `--output` "
    "takes every event with what changed.",
)

First = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day; by default the first that is stored."),
]
Last = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day; by default the last that is stored."),
]
Output = Annotated[Path | None, typer.Option(help="Write every event and what changed: .csv, .json or .parquet.")]
Rule = Annotated[
    list[str],
    typer.Option("--rule", help="Any other rule by its name, such as --rule sigma=5; may be repeated.",
                 metavar="NAME=VALUE"),
]  # fmt: skip


@app.command()
def fuel(
    min_theft_volume: Annotated[float | None, typer.Option(help="Smallest drop that is a theft, in litres.")] = None,
    min_refuel_volume: Annotated[float | None, typer.Option(help="Smallest rise that is a refuel, in litres.")] = None,
    rule: Rule = [],  # noqa: B006
    first: First = None, last: Last = None, output: Output = None,
) -> None:  # fmt: skip
    """Fuel events under other rules, from stored plateaus: telemetry is not read.

    Example: `fleet whatif fuel --min-theft-volume 20 --from 2026-01-01 --to 2026-12-31 --output diff.csv`
    """
    named = {"min_theft_l": min_theft_volume, "min_refuel_l": min_refuel_volume}
    _compare("fuel", named, rule, (first, last), output)


@app.command()
def trips(
    stop_s: Annotated[float | None, typer.Option(help="Seconds without movement that end a trip.")] = None,
    min_distance_km: Annotated[float | None, typer.Option(help="Shortest distance of a trip, in km.")] = None,
    rule: Rule = [],  # noqa: B006
    first: First = None, last: Last = None, output: Output = None,
) -> None:  # fmt: skip
    """Trips under other rules, from stored telemetry.

    Example: `fleet whatif trips --stop-s 600 --from 2026-11-01 --to 2026-11-07`
    """
    _compare("trips", {"stop_s": stop_s, "min_distance_km": min_distance_km}, rule, (first, last), output)


def _compare(
    subject: str, named: dict[str, float | None], rules: list[str], days: tuple[datetime | None, datetime | None],
    output: Path | None,
) -> None:  # fmt: skip
    from fleet_assets.commands.whatif import run_whatif

    changed = {name: value for name, value in named.items() if value is not None}
    changed |= dict(_rule(text) for text in rules)
    first, last = (day.date() if day else None for day in days)
    run_whatif(Installation.from_environment(), subject, changed, (first, last), output)


def _rule(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise UsageError(f"--rule {text!r} is not NAME=VALUE with a number, such as stop_s=600") from None
