"""What every collector process does with its surroundings: signals, structured logs, one sentence for failures.

Belongs here: those three. Does not belong here: options (cli) and loops (scanner, worker).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING

from fleet_assets.collector.console import escaped
from fleet_assets.contracts.errors import ServiceError

if TYPE_CHECKING:
    import structlog

LAST_SECONDS = 9.0
"""Between SIGTERM and the end of a process that waits for something; service managers kill after ten or more."""


class LogFormat(StrEnum):
    """How log lines look: JSON for machines, console for people, auto chooses by where they go."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


def configure_logs(form: LogFormat) -> None:
    """One event a line on standard error, with an instant in UTC; standard output stays free for results."""
    # Imported here: a query starts without what writes logs.
    import structlog

    is_console = form is LogFormat.CONSOLE or (form is LogFormat.AUTO and sys.stderr.isatty())
    last: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if is_console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([_escape_values] if is_console else []),
            last,
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def _escape_values(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """JSON escapes what came from outside by itself."""
    return {name: escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _watch_parent(stop: threading.Event, parent: int) -> None:
    # An orphan gets another parent at once.
    while not stop.wait(0.2):
        if os.getppid() != parent:
            stop.set()


def stop_on_signals(*, with_parent: bool = False) -> threading.Event:
    """An event that SIGTERM and Ctrl+C set; a second Ctrl+C ends the process at once.

    `with_parent`: also the end of the process that started this one, however it ended.
    """
    stop = threading.Event()
    if with_parent:
        threading.Thread(target=_watch_parent, args=(stop, os.getppid()), name="parent", daemon=True).start()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop


@contextmanager
def ended_in_time(seconds: float = LAST_SECONDS) -> Iterator[None]:
    """Have the process end `seconds` after SIGTERM, whatever it waits for then: a server, a disk, a library.

    Everything here may be killed at any moment without loss, so it may end itself too. The signal is heard by a thread
    (through the interpreter's wake-up descriptor): whose handler is in force, and whether the main thread is busy, does
    not matter. A process that handles no SIGTERM ends at once.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end_after_term, args=(reader, seconds), name="last word", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writer.close()


def _end_after_term(reader: socket.socket, seconds: float) -> None:
    with reader:
        while numbers := reader.recv(64):
            if signal.SIGTERM in numbers:
                time.sleep(seconds)
                sys.stderr.write(f"fleet: asked to stop {seconds:g} s ago and still waiting for something: ended\n")
                os._exit(128 + signal.SIGTERM)


@contextmanager
def plain_failures(activity: str) -> Iterator[None]:
    """Turn what Redis, a CAN interface or a disk raises into one sentence; `activity` says what was going on."""
    import can
    from redis.exceptions import RedisError

    try:
        yield
    except RedisError as error:
        raise ServiceError(
            f"{activity}: Redis refused or went away ({error}); look at its log and at FLEET_REDIS_URL"
        ) from error
    except can.CanError as error:
        raise ServiceError(
            f"{activity}: the CAN interface failed ({error}); check cable and driver, then start again"
        ) from error
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        raise ServiceError(f"{activity}: {error.strerror or error}{place}; mend that, then start again") from error
