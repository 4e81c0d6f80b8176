"""What `fleet ui` costs while nothing happens: its web server, its daemon and their code servers together.

Belongs here: starting and ending them, adding up their processor time. Does not belong here: comparing versions.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

SETTLING_S = 45
"""Until every sensor has ticked for the first time."""

READY_S = 180

_TICKS = os.sysconf("SC_CLK_TCK")


def at_rest(checkout: Path, environment: Mapping[str, str], seconds: float) -> tuple[float, float]:
    """Processor seconds a minute of the UI of a checkout with its daemon, and their resident memory [MB]."""
    port = _free_port()
    command = [str(checkout / ".venv/bin/fleet"), "ui", "--port", str(port)]
    with subprocess.Popen(command, env=environment, cwd=checkout, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            time.sleep(SETTLING_S)
            before, _ = _used(server.pid)
            time.sleep(seconds)
            after, memory_mb = _used(server.pid)
        finally:
            server.send_signal(signal.SIGINT)
    return (after - before) * 60 / seconds, memory_mb


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/server_info", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the UI did not answer within {READY_S} s")


def _used(root: int) -> tuple[float, float]:
    """Processor seconds and resident MB of a process and of all below it, those that ended among them."""
    stats = {pid: stat for pid in _processes() if (stat := _stat(pid))}
    chosen = {root}
    while more := {pid for pid, stat in stats.items() if int(stat[1]) in chosen} - chosen:
        chosen |= more
    mine = [stats[pid] for pid in chosen if pid in stats]
    page_mb = os.sysconf("SC_PAGE_SIZE") / 1e6
    # utime, stime, and those of children that were waited for.
    return sum(sum(map(int, stat[11:15])) for stat in mine) / _TICKS, sum(int(stat[21]) for stat in mine) * page_mb


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name: state, parent, ...; none where the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
