"""Real processes of the collector that start in a fifth of the time, on a disk that can be made slow or full.

A process of Python that has loaded the large libraries forks a child for each command line it is given. A trial that
kills hundreds of processes spends its time killing, not loading. Nothing of the project is loaded before the fork.

Belongs here: both sides of that, and the faulty disk. Does not belong here: what is run and when it is killed.

While a file `slow` lies in the folder of faults, flushing to the disk takes up to half a second; while a file `full`
lies there it fails as on a full disk (for machines on which no small disk can be mounted).
"""

from __future__ import annotations

import errno
import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

SLOWEST_SECONDS = 0.5
_LIBRARIES = ("polars", "can", "redis", "typer", "rich.console", "pyarrow.parquet", "structlog", "pydantic_settings")


class Child:
    """One process, as its starter sees it."""

    def __init__(self, supervisor: Supervisor, pid: int) -> None:
        self._supervisor, self.pid = supervisor, pid
        self._ended = threading.Event()
        self.code: int | None = None

    @property
    def is_running(self) -> bool:
        return not self._ended.is_set()

    def signal(self, number: int) -> None:
        """Send a signal, by the one process that knows whether this number is still ours."""
        self._supervisor.order({"signal": number, "pid": self.pid})

    def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        self._ended.wait()
        assert self.code is not None
        return self.code

    def end(self, code: int) -> None:
        self.code = code
        self._ended.set()


class Supervisor:
    """Starts processes with one environment; all of them end with it."""

    def __init__(self, faults: Path, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "fleet_assets_tests.proofs.supervisor", str(faults)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._children: dict[int, Child] = {}
        self._started: Child | None = None
        self._has_started = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, arguments: Sequence[str], log: Path) -> Child:
        """Run `fleet ARGUMENTS`; what it prints goes to the end of `log`."""
        with self._turn:
            self._has_started.clear()
            self.order({"arguments": list(arguments), "log": str(log)})
            self._has_started.wait()
            assert self._started is not None
            return self._started

    def order(self, what: dict[str, object]) -> None:
        """One line to the other side."""
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(what) + "\n")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, pid, code = line.split()
            if word == "started":
                self._started = self._children[int(pid)] = Child(self, int(pid))
                self._has_started.set()
            else:
                self._children.pop(int(pid)).end(int(code))


def main() -> None:
    """The other side: orders on standard input, what became of them on standard output."""
    for library in _LIBRARIES:
        __import__(library)
    faults, children, rest = Path(sys.argv[1]), set[int](), b""
    while True:
        if select.select([0], [], [], 0.02)[0]:
            read = os.read(0, 1 << 16)
            if not read:
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                _obey(json.loads(line), children, faults)
        _report_ends(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _obey(order: dict[str, object], children: set[int], faults: Path) -> None:
    if "signal" in order:
        if order["pid"] in children:
            os.kill(int(str(order["pid"])), int(str(order["signal"])))
        return
    pid = os.fork()
    if pid == 0:
        _become(order, faults)
    children.add(pid)
    _tell("started", pid, 0)


def _report_ends(children: set[int]) -> None:
    for pid in [*children]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children.discard(pid)
            _tell("ended", pid, os.waitstatus_to_exitcode(status))


def _tell(word: str, pid: int, code: int) -> None:
    sys.stdout.write(f"{word} {pid} {code}\n")
    sys.stdout.flush()


def _become(order: dict[str, object], faults: Path) -> None:
    """In the child: the command, with its output in the log, on the faulty disk. Does not return."""
    os.setsid()
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, standard in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(handle, standard)
    random.seed()
    _make_faulty(faults)
    sys.argv = ["fleet", *map(str, order["arguments"])]  # type: ignore[call-overload]
    code: object = 1
    try:
        from fleet_assets.cli import main as fleet

        fleet()
        code = 0
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _make_faulty(folder: Path) -> None:
    flush = os.fsync

    def faulty(handle: int) -> None:
        if (folder / "slow").exists():
            time.sleep(random.uniform(0.0, SLOWEST_SECONDS))
        if (folder / "full").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(handle)

    os.fsync = faulty  # type: ignore[assignment]


if __name__ == "__main__":
    main()
