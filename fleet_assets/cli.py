"""The command line `fleet`: arguments in, one call into the layers below, a person's sentence or table out.

Belongs here: options, help texts, progress bars, exit codes. Does not belong here: any work of its own.
"""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet_assets.commands.import_help import SOURCE_HELP, ImportCommand, known_sources
from fleet_assets.commands.later import later_group
from fleet_assets.later import Later
from fleet_assets.plain_help import PlainTyper

if TYPE_CHECKING:
    from fleet_assets.collector.console import Console
    from fleet_assets.installation import Installation
else:
    Console = Later("fleet_assets.collector.console", "Console")
    Installation = Later("fleet_assets.installation", "Installation")

app = PlainTyper(
    name="fleet",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="From what vehicles say to tables you can trust.\n\n"
    "Typical order: **fleet import** (or **fleet collect**) → **fleet build** → **fleet query**.\n\n"
    "Everything local lies in FLEET_HOME (default ./.fleet). Try **fleet demo** first.",
)
reference_app = PlainTyper(no_args_is_help=True, help="Validate and load reference CSVs (vehicles, zones, ...).")
migrate_app = PlainTyper(no_args_is_help=True, help="Take over data of programs that went before.")
app.add_typer(migrate_app, name="migrate")
backup_app = PlainTyper(no_args_is_help=True, help="Keep everything safe elsewhere, prove it, put it back.")
app.add_typer(backup_app, name="backup")
app.add_typer(later_group("fleet_assets.collector.cli", "Bring CAN frames in: from a bus, or logs."), name="collect")
app.add_typer(reference_app, name="reference")
app.add_typer(later_group("fleet_assets.commands.quarantine_cli", "What could not be accepted."), name="quarantine")
app.add_typer(later_group("fleet_assets.commands.landing", "The landing zone."), name="landing")
app.add_typer(later_group("fleet_assets.commands.lake_cli", "The lake's tables through time."), name="lake")
app.add_typer(later_group("fleet_assets.commands.plot_cli", "Pictures of one vehicle."), name="plot")
app.add_typer(later_group("fleet_assets.commands.whatif_cli", "What other rules would find."), name="whatif")
app.add_typer(later_group("fleet_assets.commands.benchmark_cli", "Detectors against a known truth."), name="benchmark")
app.add_typer(later_group("fleet_assets.commands.review_cli", "What people say of thefts."), name="review")
app.add_typer(later_group("fleet_assets.commands.model_cli", "The model that scores thefts."), name="model")
app.add_typer(later_group("fleet_assets.commands.warehouse_cli", "A warehouse on PostgreSQL."), name="warehouse")


PORT_HELP = "Port of the Dagster UI; by default the first free one from 3000 on."


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback on failure.")] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ["FLEET_DEBUG"] = "1"
    from fleet_assets.adapters.privacy import private
    from fleet_assets.collector.process import ended_in_time

    context.with_resource(private(_shared_with()))
    context.with_resource(ended_in_time())


@app.command("import", cls=ImportCommand)
def import_command(
    paths: Annotated[list[Path], typer.Argument(help="Log files or folders.", metavar="PATH")],
    source: Annotated[
        str,
        typer.Option(help=SOURCE_HELP, autocompletion=known_sources),
    ],
    vehicle_id: Annotated[str, typer.Option(help="Vehicle of files that do not name one.")] = "",
    dbc: Annotated[
        list[str],
        typer.Option(help="DBC FILE for all buses, or BUS=FILE (CAN2=gps.dbc); may be repeated.", metavar="FILE"),
    ] = [],  # noqa: B006
    timezone: Annotated[str, typer.Option(help="IANA zone of times without an offset.")] = "",
    bus: Annotated[str, typer.Option(help="Bus of CAN frames that name no channel; `can0` by default.")] = "",
    start: Annotated[str, typer.Option(help="Start of logs that only count seconds: 2026-03-02T08:00:00Z.")] = "",
    unix_time: Annotated[str, typer.Option(help="What bare numbers of a table count since 1970: s, ms or us.")] = "",
    logger: Annotated[str, typer.Option(help="Put before the names of buses: two loggers may both have a CAN1.")] = "",
    maps: Annotated[
        list[str],
        typer.Option("--map", help="Column of a table by its name in `telemetry`: lat=latitude_deg; - leaves it out.",
                     metavar="NAME=COLUMN"),
    ] = [],  # noqa: B006
    units: Annotated[
        list[str], typer.Option("--units", help="Unit of a column of a table: speed=mph.", metavar="NAME=UNIT")
    ] = [],  # noqa: B006
    mapping: Annotated[str, typer.Option(help="Saved --map and --units, by name; those given here are added.")] = "",
    save_mapping: Annotated[str, typer.Option(help="Save --map and --units under this name.", metavar="NAME")] = "",
) -> None:  # fmt: skip
    """Append log files to the landing zone; importing the same file again adds nothing.

    A table with names of its own is refused with the options that would give each column its likely name. Check them:
    nothing is taken for something else that you did not say.

    Example: `fleet import drive/*.MF4 --source can --vehicle-id van-1 --dbc CAN2=canmod_gps.dbc`, then `fleet build`.
    """
    from fleet_assets.collector.typed_times import instant_of
    from fleet_assets.commands.import_columns import chosen_columns, save_columns
    from fleet_assets.commands.import_logs import Answers, must_take_columns, run_import

    here = Installation.from_environment()
    columns = chosen_columns(here, maps, units, mapping)
    must_take_columns(source, columns)
    if save_mapping:
        save_columns(here, save_mapping, columns)
    answers = Answers(vehicle_id, bus, timezone, instant_of(start), unix_time, logger, columns)
    run_import(here, paths, source, answers, dbc)


@app.command()
def build(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    select: Annotated[
        str | None,
        typer.Option(help="Assets as the UI selects them: `trips,stops`, `group:events`, `+trips` with all before."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Rebuild current partitions too.")] = False,
    is_dry: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be built, why, and how long it will take; build nothing.")
    ] = False,
) -> None:
    """Materialise what is stale, in one run, with the assets you see in the UI.

    Stale is what was made from other inputs, rules or code than there are now. Exit code 1 when a run fails or a check
    does not hold; one that only warns (freshness) changes no exit code.
    """
    from fleet_assets.commands.build import run_build, selection
    from fleet_assets.pipeline.plan import BuildRequest

    request = BuildRequest(_day(first), _day(last), selection(select), full)
    run_build(Installation.from_environment(), request, is_dry=is_dry)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over the published tables, by their bare names.")],
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="table (200 rows at most), csv, json or parquet. Default: that of the name of --output, or table.",
        ),
    ] = "",
    output: Annotated[Path | None, typer.Option(help="Write to a file, e.g. trips.csv or trips.parquet.")] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Say what the query cache did.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="All columns, also where the terminal is too narrow.")] = False,
    columns: Annotated[
        str, typer.Option(help="Only these, in this order: `vehicle_id,*_km`; of every format.", metavar="NAMES")
    ] = "",
) -> None:
    """Read-only SQL over the published tables.

    A terminal gets the columns that fit, rounded, with hours and minutes; a row or two one column a line. Files, pipes,
    csv, json and parquet get every column.

    Example: `fleet query "select vehicle_id, sum(distance_km) from trips group by all"`. `show tables` lists what is
    there, `describe trips` its columns.
    """
    from fleet_assets.commands.query import Look, run_query

    run_query(Installation.from_environment(), sql, output_format, output, stats, Look(columns, wide))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="All columns, also where the terminal is too narrow.")] = False,
) -> None:
    """What came in, what waits, what is stale and what failed; also while a build runs or Redis is away.

    Per source and vehicle: last seen, rows of the last seven days, lag, gaps, rows set aside. Then the stream, spools,
    landed days that are not built yet, stale partitions, the last build and its checks. Exit code 0 whenever it could
    tell, however bad the news. The fields of `--json` are listed in docs/operations.md.
    """
    from fleet_assets.commands.status import run_status

    run_status(Installation.from_environment(), as_json, wide=wide)


@app.command()
def check(
    deep: Annotated[bool, typer.Option("--deep", help="Compare every stored byte, not a sample.")] = False,
) -> None:
    """Whether what is stored is what was stored: partitions of the lake by their hashes, the published warehouse file.

    Exit code 1 when something is damaged: it is named, and the next `fleet build` makes it anew.
    """
    from fleet_assets.commands.check import run_check

    run_check(Installation.from_environment(), deep)


@reference_app.command("load")
def reference_load(files: Annotated[list[Path], typer.Argument(help="CSV files named after their table.")]) -> None:
    """Validate reference CSVs and put them in the place of those before; a file with a wrong line changes nothing.

    A file's name says its table: vehicles.csv, vehicle_refs.csv, dbc_bindings.csv, drivers.csv, driver_assignments.csv,
    energy_prices.csv, tank_calibrations.csv, theft_reviews.csv, zones.csv. Reviews are added to those that are there.
    """
    from fleet_assets.contracts.reference import KEPT_ROWS
    from fleet_assets.wording import counted

    store = Installation.from_environment().reference
    console = Console()
    for path in files:
        table, rows = store.load(path)
        place = "added to those before" if table.name in KEPT_ROWS else "in place of those before"
        console.print(
            f"{path}: {counted(rows, 'row')} of {table.name}, {place}; run `fleet build` to use them",
            highlight=False,
        )


@reference_app.command("check")
def reference_check() -> None:
    """Name what of the reference files cannot be used: lines of CSV files, signals of DBC files, entries of maps.

    Exit code 1 when a file, a binding or a line of a table is wrong; signals that a DBC file states outside of its
    format are named, give no value, and change no exit code.
    """
    from fleet_assets.commands.reference_check import run_check

    run_check(Installation.from_environment())


@reference_app.command("bind")
def reference_bind(
    vehicle_id: Annotated[str, typer.Argument(help="Vehicle whose bus it is.")],
    bus: Annotated[str, typer.Argument(help="Name of the bus as in raw_can (can0, CAN2), or * for any.")],
    dbc: Annotated[str, typer.Argument(help="DBC file, or the name of a shipped one: j1939, obd2, canmod_gps, ev.")],
) -> None:
    """Say that a DBC file describes a bus of a vehicle; the file is copied and read by the next build.

    Example: `fleet reference bind van-1 can0 van.dbc`, then `fleet build`.
    """
    from fleet_assets.commands.import_logs import run_bind

    run_bind(Installation.from_environment(), vehicle_id, bus, dbc)


@migrate_app.command("can-sqlite")
def migrate_can_sqlite(
    file: Annotated[Path, typer.Argument(help="SQLite file with a table can_messages; it is never written.")],
    vehicle_id: Annotated[str, typer.Option(help="Vehicle of all rows; else vehicle_refs says it of each node.")] = "",
    bus: Annotated[str, typer.Option(help="Bus of all rows; `can0` by default.")] = "",
) -> None:
    """Take a legacy table of CAN messages into the landing zone, and compare counts and a sample with the file.

    Example: `fleet migrate can-sqlite old.db --vehicle-id van-1`, then `fleet build`. Killed at any moment, the same
    command goes on; called again it adds nothing.
    """
    from fleet_assets.commands.migrate import run_can_sqlite

    run_can_sqlite(Installation.from_environment(), file, vehicle_id, bus)


@backup_app.command("create")
def backup_create(store: Annotated[Path, typer.Argument(help="Folder that holds backups, on another disk.")]) -> None:
    """Write a backup of landing, lake, reference, quarantine, warehouse and Dagster's storage; work may go on.

    Example: `fleet backup create /mnt/backups`. Files that the backup before holds too take no room.
    """
    from fleet_assets.commands.backup import create

    create(Installation.from_environment(), store)


@backup_app.command("verify")
def backup_verify(backup: Annotated[Path, typer.Argument(help="One backup: a folder in the store.")]) -> None:
    """Compare every file of a backup with the hash in its manifest; exit code 1 when one is missing or changed."""
    from fleet_assets.commands.backup import verify

    verify(backup)


@backup_app.command("restore")
def backup_restore(backup: Annotated[Path, typer.Argument(help="One backup: a folder in the store.")]) -> None:
    """Put a backup into FLEET_HOME, which must be empty; every hash is compared.

    Example: `FLEET_HOME=/var/lib/fleet fleet backup restore /mnt/backups/20261121T110000Z`, then `fleet build`.
    """
    from fleet_assets.commands.restore import restore

    restore(Installation.from_environment(), backup)


@app.command()
def explain(
    event: Annotated[str, typer.Argument(help="event_id, as in fuel_events, theft_scores and alarms.")],
    output: Annotated[Path | None, typer.Option(help="PNG to write: the level of the tank around it.")] = None,
) -> None:
    """Why something happened to a tank, or is suspected, in words and litres; with a picture where one is asked for.

    Example: `fleet explain 4be1c07a90d2f3e8 --output theft.png`
    """
    from fleet_assets.commands.explain import run_explain

    run_explain(Installation.from_environment(), event, output)


@app.command()
def docs(
    output: Annotated[Path, typer.Option(help="Folder of the site.")] = Path("dbt_docs"),
) -> None:
    """Write the site of the dbt models: what each column means, where it comes from, who reads it.

    Example: `fleet docs --output /tmp/site`, then open `/tmp/site/index.html`; it needs no server.
    """
    from fleet_assets.commands.dbt_site import write_site

    page = write_site(Installation.from_environment(), output)
    Console().print(f"Wrote {page}", highlight=False, soft_wrap=True)


@app.command()
def ui(
    port: Annotated[int | None, typer.Option(help=PORT_HELP)] = None,
    host: Annotated[
        str, typer.Option(help="Address to serve on. Any but this machine's own is open to whoever reaches it.")
    ] = "127.0.0.1",
) -> None:
    """Open the Dagster UI of this installation, with its daemon: sensors and automation run while it is open.

    It has no login. From another machine, use `ssh -L 3000:localhost:3000 HOST`, or a proxy that asks for one.
    """
    from fleet_assets.commands.ui import run_ui

    raise typer.Exit(run_ui(Installation.from_environment(), port, host))


@app.command()
def demo(
    vehicles: Annotated[int, typer.Option(min=1, max=500, help="Vehicles to simulate.")] = 12,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days to simulate.")] = 7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace the fleet that is there.")] = False,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Stop after the summary.")] = False,
    port: Annotated[int | None, typer.Option(help=PORT_HELP)] = None,
) -> None:
    """Simulate a fleet, send its CAN frames through Redis and the collector, build everything, show what was found.

    All of it lies in FLEET_HOME/demo and touches nothing else. The same call again finds everything up to date.
    """
    from fleet_assets.commands.demo import UiChoice, run_demo

    raise typer.Exit(
        run_demo(Installation.from_environment(), (vehicles, days, seed), UiChoice(not no_ui, port), fresh)
    )


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


def _shared_with() -> str:
    """Who may read what is written; a setting that is wrong is for the command to refuse."""
    from fleet_assets.contracts.errors import SettingError
    from fleet_assets.settings import load_settings

    try:
        return load_settings().shared_with
    except SettingError:
        return "user"


def main() -> None:
    """Run the command line; refusals become one sentence on standard error and their exit code."""
    try:
        app()
    except Exception as error:
        refused = _refusal(error)
        if refused is None or os.environ.get("FLEET_DEBUG"):
            raise
        sentence, exit_code = refused
        Console(stderr=True).print(f"fleet: {sentence}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(exit_code)


def _refusal(error: Exception) -> tuple[str, int] | None:
    """What a person is told instead of a traceback, and the exit code; None for what nobody has foreseen."""
    from fleet_assets.contracts.errors import FleetError

    if isinstance(error, FleetError):
        return str(error), error.exit_code
    return (f"{error.filename}: {error.strerror}", 1) if isinstance(error, OSError) else None
