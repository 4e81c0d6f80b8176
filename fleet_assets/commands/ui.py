"""`fleet ui`: Dagster's web server and daemon on this installation, until it is stopped."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from fleet_assets.collector.console import Console
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.contracts.errors import ServiceError
from fleet_assets.installation import Installation
from fleet_assets.project_files import project_file

LOCAL = "127.0.0.1"
EVERY = "0.0.0.0"
OPEN_TO_ALL = (
    "Dagster asks nobody for a name: whoever reaches this address may start runs and delete what is stored. Put a "
    "proxy with a login in front of it, or reach it by `ssh -L {port}:localhost:{port}` (docs/operations.md, Privacy)."
)

WORKSPACE_FILE = project_file("workspace.yaml")
STOP_SECONDS = 4
"""Then it is killed: whoever asks with SIGTERM has it ended within ten seconds."""
READY_SECONDS = 120
PORTS = range(3000, 3020)
"""Dagster's usual port, and the next ones where another UI runs."""


def run_ui(installation: Installation, wanted: int | None, host: str = LOCAL) -> int:
    """Serve the UI in the foreground; returns the exit code of Dagster. Raises ServiceError when the port is taken.

    On another address than this machine's own, everybody who reaches it may start and delete: that is said.
    """
    port, console = choose_port(wanted, host), Console()
    if host not in (LOCAL, "localhost"):
        Console(stderr=True).print(OPEN_TO_ALL.format(port=port), style="yellow", highlight=False, soft_wrap=True)
    here = LOCAL if host == EVERY else host
    line = f"Dagster UI: http://{here}:{port}/  (stop with Ctrl-C)"
    return serve(start_ui(installation, port, host), port, line, console, here)


def serve(server: subprocess.Popen[bytes], port: int, line: str, console: Console, host: str = LOCAL) -> int:
    """Say where the UI is once it answers, and wait until it ends or Ctrl-C or SIGTERM asks for it."""
    # Set also for SIGINT: a job that a shell script started in the background ignores it otherwise.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        wait_until_ready(server, port, host=host)
        console.print(line, highlight=False)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        stop_ui(server)
        _forget_daemon()


def choose_port(wanted: int | None, host: str = LOCAL) -> int:
    """The wanted port, or the first free one of PORTS; raises ServiceError when there is none, and for an address that
    this machine has not."""
    tried = PORTS if wanted is None else [wanted]
    for port in tried:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except socket.gaierror as error:
                raise ServiceError(f"--host {host}: {error.strerror}") from None
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise ServiceError(f"--host {host} is no address of this machine") from None
                continue
        return port
    which = f"port {tried[0]} is" if wanted else f"ports {tried[0]} to {tried[-1]} are"
    raise ServiceError(f"{which} taken; choose another with --port")


def start_ui(installation: Installation, port: int, host: str = LOCAL) -> subprocess.Popen[bytes]:
    """Start `dagster dev` in a process group of its own, so that stopping it stops its children too."""
    prepare_dagster_home(installation)
    _end_dead_runs(installation)
    log = Path(os.environ["DAGSTER_HOME"]) / "dagster-dev.log"
    command = [sys.executable, "-m", "dagster", "dev", "--workspace", str(WORKSPACE_FILE)]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*command, "--host", host, "--port", str(port)], stdout=output, stderr=output, start_new_session=True
        )


def _end_dead_runs(installation: Installation) -> None:
    """Automation would wait for their runs for ever; a build that is at work is waited for."""
    import dagster as dg

    from fleet_assets.defs.dead_runs import the_only_build

    with dg.DagsterInstance.get() as instance, the_only_build(installation, instance):
        return


def wait_until_ready(
    server: subprocess.Popen[bytes], port: int, waiting: Callable[[], None] = lambda: None, host: str = LOCAL
) -> None:
    """Return when the UI answers; raises ServiceError when it ended or does not answer in time."""
    log = Path(os.environ["DAGSTER_HOME"]) / "dagster-dev.log"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ServiceError(f"the Dagster UI ended with code {server.returncode}; its words are in {log}")
        try:
            with urlopen(f"http://{host}:{port}/server_info", timeout=2):
                return
        except (URLError, OSError):
            waiting()
            time.sleep(0.5)
    raise ServiceError(f"the Dagster UI did not answer within {READY_SECONDS} s; its words are in {log}")


def stop_ui(server: subprocess.Popen[bytes]) -> None:
    """Ask Dagster and its children to end, and insist after a while, also on children that outlive it."""
    deadline = time.monotonic() + STOP_SECONDS
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGINT)
    while _group_lives(server) and time.monotonic() < deadline:
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _forget_daemon() -> None:
    """Take back the daemon's last word, which says for a minute and a half that it lives; another daemon of the same
    storage says so again within half a minute."""
    import dagster as dg

    # The storage may be away by now: then the word grows old by itself.
    with suppress(Exception), dg.DagsterInstance.get() as instance:
        instance.wipe_daemon_heartbeats()


def _group_lives(server: subprocess.Popen[bytes]) -> bool:
    server.poll()
    try:
        os.killpg(server.pid, 0)
    except ProcessLookupError:
        return False
    return True
