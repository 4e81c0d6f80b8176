"""Opening a CAN interface of python-can by what a person typed.

Belongs here: options to a bus, and one sentence for each way in which that fails. Does not belong here: reading it.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import can
from can.util import cast_from_string

from fleet_assets.contracts.errors import ServiceError, UsageError

RECEIVE_BYTES = 4 << 20
"""Room asked for in the kernel: 2 500 frames at the system's usual limit (net.core.rmem_max), 5 000 at 4 MB."""

_SO_MEMINFO, _MEMINFO, _DROPS = 55, struct.Struct("=9I"), 8
"""Linux: nine counters of a socket, the last of them what it dropped (linux/sock_diag.h)."""

Value = str | int | float | bool


@dataclass(frozen=True)
class BusOptions:
    """What python-can needs to open a bus."""

    interface: str
    channel: str | None = None
    bitrate: int | None = None
    """bit/s; None leaves it as the system set it."""
    is_fd: bool = False
    extra: Mapping[str, Value] = field(default_factory=dict)
    """Further settings of the interface, by python-can's names."""


def parse_extra(pairs: Sequence[str]) -> dict[str, Value]:
    """`NAME=VALUE` settings as python-can would read them from a file; raises UsageError for anything else."""
    extra: dict[str, Value] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"--bus-option {pair!r} is not NAME=VALUE, such as receive_own_messages=true")
        extra[name.strip().replace("-", "_")] = cast_from_string(value.strip())
    return extra


def open_bus(options: BusOptions) -> can.BusABC:
    """The open bus. Raises UsageError for an interface or setting that does not exist, ServiceError otherwise."""
    known = sorted(can.VALID_INTERFACES)
    if options.interface not in known:
        raise UsageError(f"CAN interface {options.interface!r} does not exist; python-can knows {', '.join(known)}")
    where = f"{options.interface} {options.channel or ''}".strip()
    settings: dict[str, Any] = dict(options.extra)
    if options.bitrate is not None:
        settings["bitrate"] = options.bitrate
    if options.is_fd:
        settings["fd"] = True
    try:
        # Without the person's python-can files: what was typed here is all there is.
        bus = can.Bus(channel=options.channel, interface=options.interface, ignore_config=True, **settings)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where} cannot be opened with these options: {error}") from error
    except (can.CanError, ImportError, OSError) as error:
        raise ServiceError(f"{where} cannot be opened: {error}; {_advice(options, error)}") from error
    _widen(bus)
    return bus


def dropped_frames(bus: can.BusABC) -> int:
    """Frames that the kernel dropped since the bus was opened, because nobody took them (it counts to 2**32).

    0 for an interface that is no socket, or where the kernel does not count: there a driver drops unseen.
    """
    with _socket_of(bus) as handle:
        if handle is None:
            return 0
        try:
            counts = handle.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            return 0
    return int(_MEMINFO.unpack(counts)[_DROPS]) if len(counts) == _MEMINFO.size else 0


def _widen(bus: can.BusABC) -> None:
    """Let the kernel hold more frames while this process is busy: by default a socket drops after about 250."""
    with _socket_of(bus) as handle:
        if handle is not None:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)


@contextmanager
def _socket_of(bus: can.BusABC) -> Iterator[socket.socket | None]:
    try:
        number = bus.fileno()
    except (RuntimeError, can.CanError):
        # python-can's word for an interface that has no socket.
        number = -1
    if number < 0 or not stat.S_ISSOCK(os.fstat(number).st_mode):
        yield None
        return
    with socket.socket(fileno=os.dup(number)) as same:
        yield same


def _advice(options: BusOptions, error: Exception) -> str:
    if isinstance(error, ImportError | can.CanInterfaceNotImplementedError):
        return f"install the driver that python-can names for {options.interface}"
    if options.interface == "socketcan":
        return f"bring it up first: ip link set {options.channel or 'can0'} up type can bitrate 500000"
    return "check --channel, the driver and that the device is plugged in"
