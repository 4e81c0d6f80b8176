"""`fleet quarantine`: options and help texts of list, show, retry, dismiss and restore.

Does not belong here: what they do (`commands.quarantine`, `collector.quarantine_retry`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet_assets.plain_help import PlainTyper

if TYPE_CHECKING:
    from fleet_assets.commands.quarantine import Wanted

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="What could not be accepted: **list**, **show** NAME, **retry** NAME, **dismiss** NAME.",
)


def _known_names(incomplete: str) -> list[str]:
    """Completion of NAME in the shell."""
    from fleet_assets.adapters.quarantine import Quarantine
    from fleet_assets.settings import load_settings

    quarantine = Quarantine(load_settings().quarantine)
    items = [*quarantine.items(), *quarantine.dismissed.items()]
    return [name for item in items for name in (item.short, item.name) if name.startswith(incomplete)]


NAME_HELP = "Name from `fleet quarantine list`, or its beginning; the long one of `show` will do."
NamesArgument = Annotated[list[str] | None, typer.Argument(help=NAME_HELP, autocompletion=_known_names)]
SourceOption = Annotated[str, typer.Option("--source", help="Only of this source, such as can.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Only of this reason, such as before-start-date.")]
EveryOption = Annotated[bool, typer.Option("--all", help="All that there is.")]


def _wanted(names: list[str] | None, source: str, reason: str, every: bool) -> Wanted:
    from fleet_assets.commands.quarantine import Wanted

    return Wanted(tuple(names or ()), source, reason, every)


@app.command("list")
def list_items(
    source: SourceOption = "",
    reason: ReasonOption = "",
    limit: Annotated[int, typer.Option(min=1, help="Newest entries shown.")] = 50,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="What was dismissed instead.")] = False,
) -> None:
    """Counts by source and reason, then the entries, newest first, with the file that they came from.

    Example: `fleet quarantine list --reason in-the-future`
    """
    from fleet_assets.commands.quarantine import Wanted, run_list
    from fleet_assets.settings import load_settings

    run_list(load_settings(), Wanted(source=source, reason=reason), limit, dismissed)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help=NAME_HELP, autocompletion=_known_names)],
    limit: Annotated[int, typer.Option(min=1, help="Rows shown.")] = 20,
    output: Annotated[
        Path | None, typer.Option(help="Write all rows to a .csv or .parquet file, or copy a refused file.")
    ] = None,
) -> None:
    """The rows of an entry with the reason they were set aside for; of a refused file its first lines.

    Example: `fleet quarantine show 3f2a --output odd.csv`
    """
    from fleet_assets.commands.quarantine import run_show
    from fleet_assets.settings import load_settings

    run_show(load_settings(), name, limit, output)


@app.command()
def retry(
    names: NamesArgument = None,
    source: SourceOption = "",
    reason: ReasonOption = "",
    every: EveryOption = False,
    vehicle_id: Annotated[str, typer.Option(help="Vehicle of files, rows or stream entries that name none.")] = "",
    timezone: Annotated[str, typer.Option(help="IANA zone of times without an offset.")] = "",
    bus: Annotated[str, typer.Option(help="Bus of a file's frames that name no channel.")] = "",
    start: Annotated[str, typer.Option(help="Start of a log that only counts seconds: 2026-03-02T08:00:00Z.")] = "",
    unix_time: Annotated[str, typer.Option(help="What bare numbers of a table count since 1970: s, ms or us.")] = "",
    shift: Annotated[
        str,
        typer.Option(
            help="What a wrong clock was behind, added to recorded_at (of one vehicle with --vehicle-id): 1024w, "
            "3h30m, -45s if it was ahead, 0 if it was right.",
        ),
    ] = "",
) -> None:
    """Try entries again after their cause was mended; what can come in lands, once, and leaves the quarantine.

    Mended by FLEET_START_DATE (before-start-date), by saying how wrong the clock was (clock: --shift), by an answer
    (no-vehicle, refused, no-instant, wrong-entry) or a newer version. What still cannot come in stays, and is named
    with the reason. Then run `fleet build`.

    Example: `fleet quarantine retry --reason before-start-date`
    """
    from fleet_assets.adapters.log_files import LogOptions
    from fleet_assets.collector.importer import budget_of
    from fleet_assets.collector.typed_times import instant_of, shift_of, unit_of, zone_of
    from fleet_assets.commands.quarantine import run_retry
    from fleet_assets.settings import load_settings

    settings = load_settings()
    zone, start_at = zone_of(timezone), instant_of(start)
    answers = LogOptions(vehicle_id or None, bus or "can0", zone, start_at, "", unit_of(unix_time), budget_of(settings))
    run_retry(settings, _wanted(names, source, reason, every), answers, shift_of(shift))


@app.command()
def dismiss(
    names: NamesArgument = None,
    source: SourceOption = "",
    reason: ReasonOption = "",
    every: EveryOption = False,
    because: Annotated[str, typer.Option(help="Why, for whoever asks later; kept with the entry.")] = "",
) -> None:
    """Count entries no more that came in another way, or never will. Nothing is deleted; `restore` takes them back.

    Example: `fleet quarantine dismiss 3f2a --because "mended file imported on Monday"`
    """
    from fleet_assets.commands.quarantine import run_dismiss
    from fleet_assets.settings import load_settings

    run_dismiss(load_settings(), _wanted(names, source, reason, every), because)


@app.command()
def restore(
    names: NamesArgument = None,
    source: SourceOption = "",
    reason: ReasonOption = "",
    every: EveryOption = False,
) -> None:
    """Take dismissed entries back; `fleet quarantine list --dismissed` names them.

    Example: `fleet quarantine restore 3f2a`
    """
    from fleet_assets.commands.quarantine import run_restore
    from fleet_assets.settings import load_settings

    run_restore(load_settings(), _wanted(names, source, reason, every))
