"""`fleet collect`: the command line of the resident processes, scanner and worker. It never loads Dagster.

Belongs here: options, help texts, progress and the closing line. Does not belong here: loops and wiring.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet_assets.adapters.spool import DISK_BYTES
from fleet_assets.collector.console import Console
from fleet_assets.collector.process import LogFormat, configure_logs, plain_failures, stop_on_signals
from fleet_assets.contracts.errors import UsageError
from fleet_assets.plain_help import PlainTyper
from fleet_assets.settings import Settings, load_settings
from fleet_assets.wording import counted

if TYPE_CHECKING:
    from fleet_assets.adapters.log_files import LogOptions
    from fleet_assets.collector.bus import BusOptions
    from fleet_assets.collector.live import LiveDecoder
    from fleet_assets.collector.scan_session import ScanReport, ScanSession
    from fleet_assets.collector.scanner import BusName

app = PlainTyper(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Bring CAN frames in: **scan** reads a bus or replays logs into the Redis stream, **work** writes the stream "
    "to the landing zone and keeps the live state. Start one scanner a bus and one worker; both may be stopped "
    "(Ctrl+C, SIGTERM) and started at any time without losing or doubling a frame.",
)

_BUS, _REPLAY, _RUN = "A bus", "Log files instead of a bus", "How it runs"


_Interface = Annotated[
    str,
    typer.Option(
        help="python-can interface: socketcan, pcan, vector, slcan, udp_multicast, ... "
        "(`virtual` is within one process only, so nothing else can send to it: try udp_multicast without hardware).",
        rich_help_panel=_BUS,
    ),
]
_Channel = Annotated[
    str, typer.Option(help="Channel of the interface, e.g. can0, PCAN_USBBUS1, 239.74.163.2.", rich_help_panel=_BUS)
]
_Vehicle = Annotated[
    str, typer.Option("--vehicle", "--vehicle-id", help="vehicle_id of the frames.", rich_help_panel=_BUS)
]
_Bus = Annotated[
    str, typer.Option(help="Name of the bus in the tables; the channel if not given.", rich_help_panel=_BUS)
]
_Bitrate = Annotated[
    int | None, typer.Option(min=1, help="bit/s, where the interface sets it itself.", rich_help_panel=_BUS)
]
_Fd = Annotated[bool, typer.Option("--fd", help="Read CAN FD frames too.", rich_help_panel=_BUS)]
_BusOption = Annotated[
    list[str],
    typer.Option(
        help="Any other setting of the interface by python-can's name; may be repeated.",
        metavar="NAME=VALUE",
        rich_help_panel=_BUS,
    ),
]
_Replay = Annotated[
    list[Path],
    typer.Option(help="Log file or folder to send; may be repeated.", metavar="PATH", rich_help_panel=_REPLAY),
]
_Speed = Annotated[
    float,
    typer.Option(
        min=0,
        help="1 = pace of the recording, 10 = ten times that, 0 = as fast as frames are taken.",
        rich_help_panel=_REPLAY,
    ),
]
_Timezone = Annotated[str, typer.Option(help="IANA zone of logs that state a local time.", rich_help_panel=_REPLAY)]
_Start = Annotated[
    str,
    typer.Option(help="When logs began that only count seconds, e.g. 2026-01-31T08:00:00Z.", rich_help_panel=_REPLAY),
]
_Single = Annotated[
    bool,
    typer.Option(
        "--single",
        help="One stream entry a frame, for other readers of can:raw; about a tenth of the throughput.",
        rich_help_panel=_RUN,
    ),
]
_Offline = Annotated[
    bool,
    typer.Option("--offline", help="Start although Redis is away: spool to disk, send later.", rich_help_panel=_RUN),
]
_SpoolBytes = Annotated[
    int,
    typer.Option(
        min=1 << 20,
        help="Most bytes on the disk while Redis is away; beyond, the oldest frames go, counted in ingest_gaps.",
        rich_help_panel=_RUN,
    ),
]
_LogFormat = Annotated[LogFormat, typer.Option("--log", help="Log lines on standard error.", rich_help_panel=_RUN)]


@app.command()
def scan(
    interface: _Interface = "",
    channel: _Channel = "",
    vehicle: _Vehicle = "",
    bus: _Bus = "",
    bitrate: _Bitrate = None,
    fd: _Fd = False,
    bus_option: _BusOption = [],  # noqa: B006
    replay: _Replay = [],  # noqa: B006
    speed: _Speed = 0,
    timezone: _Timezone = "",
    start: _Start = "",
    single: _Single = False,
    offline: _Offline = False,
    spool_bytes: _SpoolBytes = DISK_BYTES,
    log_format: _LogFormat = LogFormat.AUTO,
) -> None:
    """Read a CAN bus, or replay log files, into the Redis stream `can:raw`.

    While Redis is away the frames of a bus wait in FLEET_HOME/spool and are sent, in order, when it is back.

    Examples:

    `fleet collect scan --interface socketcan --channel can0 --vehicle van-1`

    `fleet collect scan --interface udp_multicast --channel 239.74.163.2 --vehicle sim-1 --bus can1`

    `fleet collect scan --replay drive.blf --vehicle van-1 --speed 10`

    `fleet collect scan --replay logs/ --vehicle van-1 --timezone Europe/Madrid`
    """  # fmt: skip
    # Loaded here, as below: python-can brings pandas and asammdf, and every `fleet --help` would wait for them.
    from fleet_assets.adapters.log_files import LOG_SUFFIXES, LogOptions
    from fleet_assets.collector.bus import BusOptions, parse_extra
    from fleet_assets.collector.file_list import expand
    from fleet_assets.collector.scan_session import ScanSession
    from fleet_assets.collector.typed_times import instant_of, zone_of

    configure_logs(log_format)
    session = ScanSession(load_settings(), stop_on_signals(), is_packed=not single, spool_bytes=spool_bytes)
    with plain_failures("scanning stopped"):
        if replay:
            _refuse_both(interface, channel)
            options = LogOptions(vehicle or None, bus or "can0", zone_of(timezone), instant_of(start))
            report = _replay(session, expand(replay, LOG_SUFFIXES), options, speed or None)
        else:
            wanted = BusOptions(interface, channel or None, bitrate, fd, parse_extra(bus_option))
            report = session.scan(wanted, _bus_name(wanted, vehicle, bus), needs_redis=not offline)
    shed = f"; {report.shed:,} given up for want of room (see ingest_gaps)" if report.shed else ""
    _say(f"{report.read:,} frames read, {report.sent:,} sent, {report.spooled:,} of them by way of the spool{shed}")


@app.command()
def work(
    flush_seconds: Annotated[float, typer.Option(min=0.05, help="Longest time between a frame and its file.")] = 5.0,
    flush_frames: Annotated[int, typer.Option(min=1, help="Frames in memory before a file is written.")] = 200_000,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when the stream holds nothing more.")] = False,
    vehicle: Annotated[
        str, typer.Option("--vehicle", "--vehicle-id", help="vehicle_id of entries by other writers that name none.")
    ] = "",
    claim_seconds: Annotated[
        float, typer.Option(min=0.1, help="Take over what another worker has not acknowledged for so long.")
    ] = 60.0,
    with_parent: Annotated[bool, typer.Option("--with-parent", help="End with the process that started this.")] = False,
    no_live: Annotated[bool, typer.Option("--no-live", help="Write files only, decode nothing.")] = False,
    log_format: Annotated[LogFormat, typer.Option("--log", help="Log lines on standard error.")] = LogFormat.AUTO,
) -> None:
    """Write the frames of the stream to the landing zone, then acknowledge them; keep the live state.

    An entry is acknowledged when its file is on the disk, so a worker may be killed at any moment: the next one, or
    another that runs, takes over. Several may run side by side.

    Examples:

    `fleet collect work`

    `fleet collect work --flush-seconds 60 --flush-frames 1000000` (fewer, larger files)

    `fleet collect work --until-empty && fleet build`
    """  # fmt: skip
    from fleet_assets.adapters.redis_server import connect
    from fleet_assets.collector.intake import Intake
    from fleet_assets.collector.worker import Worker, WorkRules

    configure_logs(log_format)
    if claim_seconds <= flush_seconds:
        raise UsageError(
            f"--claim-seconds {claim_seconds:g} must exceed --flush-seconds {flush_seconds:g}: "
            "else workers take from each other what they are about to write"
        )
    settings, stop = load_settings(), stop_on_signals(with_parent=with_parent)
    rules = WorkRules(flush_seconds, flush_frames, claim_after_seconds=claim_seconds, default_vehicle=vehicle or None)
    with plain_failures("working stopped; what was not acknowledged is read again"):
        worker = Worker(lambda: connect(settings), Intake.from_settings(settings), rules, stop,
                        None if no_live else _live_decoder(settings))  # fmt: skip
        report = worker.run(until_empty=until_empty)
    aside = f"{counted(sum(report.rejected.values()), 'frame')} and {counted(report.wrong_entries, 'entry', 'entries')}"
    _say(f"{counted(report.frames, 'frame')} landed in {counted(report.files, 'file')}, {aside} quarantined")


def _refuse_both(interface: str, channel: str) -> None:
    if interface or channel:
        raise UsageError("--replay sends log files, --interface and --channel read a bus: give one of the two")


def _bus_name(options: BusOptions, vehicle: str, bus: str) -> BusName:
    from fleet_assets.collector.scanner import BusName

    if not options.interface:
        raise UsageError("say what to read: --interface socketcan --channel can0 --vehicle VEHICLE, or --replay FILE")
    if not vehicle:
        raise UsageError("say whose bus it is: --vehicle VEHICLE")
    return BusName(vehicle, bus or options.channel or "can0")


def _replay(session: ScanSession, paths: list[Path], options: LogOptions, speed: float | None) -> ScanReport:
    from fleet_assets.collector.file_progress import FileProgress
    from fleet_assets.collector.scanner import Replay

    with FileProgress("replaying", paths) as progress:
        return session.replay(Replay(paths, options, speed, progress.update))


def _live_decoder(settings: Settings) -> LiveDecoder:
    from fleet_assets.adapters.reference import ReferenceStore
    from fleet_assets.collector.live import LiveDecoder

    return LiveDecoder(ReferenceStore(settings.reference), settings.grid_seconds)


def _say(line: str) -> None:
    Console().print(line, highlight=False, markup=False, soft_wrap=True)
