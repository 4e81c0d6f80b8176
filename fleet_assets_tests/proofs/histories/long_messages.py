"""Messages of several frames that lie over midnight: ISO-TP and the J1939 transport protocol.

Belongs here: their frames, the DBC and the signal map that read them. Does not belong here: when else a vehicle speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import polars as pl

from fleet_assets.contracts import RAW_CAN

BUS = "can9"

LONG_DBC = (
    'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: X\n\n'
    'BO_ 2566841342 EC1: 40 X\n SG_ Point5 : 96|16@1+ (0.125,0) [0|0] "V" X\n\n'
    'BO_ 2024 Answer: 20 X\n SG_ Last : 159|8@0+ (1,0) [0|0] "degC" X\n'
)
"""EC1 (parameter group 65251) has 40 bytes and comes by TP; the answer of a control unit has 20 and comes by ISO-TP."""

LONG_MAP = """\
name: long
signals:
  - {message: EC1, signal: Point5, column: charger_voltage_v, unit: V}
  - {message: Answer, signal: Last, column: hv_battery_temp_c, unit: degC}
"""

_EC1_GROUP = 65251
_Piece = tuple[float, int, bool, bytes]


def broadcast(message: bytes, sender: int = 0, pause_s: float = 0.05) -> list[_Piece]:
    """(seconds, identifier, extended, data) of one BAM: the announcement and its packets."""
    count = -(-len(message) // 7)
    announced = bytes([32, len(message) & 0xFF, len(message) >> 8, count, 0xFF]) + _EC1_GROUP.to_bytes(3, "little")
    packets = [bytes([k + 1]) + message[7 * k : 7 * k + 7].ljust(7, b"\xff") for k in range(count)]
    identifiers = [0x1CECFF00, *[0x1CEBFF00] * count]
    return [
        (k * pause_s, identifier | sender, True, data)
        for k, (identifier, data) in enumerate(zip(identifiers, [announced, *packets], strict=True))
    ]


def answer(message: bytes, pause_s: float = 0.02) -> list[_Piece]:
    """(seconds, identifier, extended, data) of one ISO-TP message."""
    parts = [message[k : k + 7] for k in range(6, len(message), 7)]
    head = bytes([0x10 | len(message) >> 8, len(message) & 0xFF]) + message[:6]
    following = [bytes([0x20 | (k + 1) & 0xF]) + part.ljust(7, b"\xaa") for k, part in enumerate(parts)]
    return [(k * pause_s, 2024, False, data) for k, data in enumerate([head, *following])]


def frames_of(pieces: Sequence[_Piece], vehicle_id: str, begin: datetime) -> pl.DataFrame:
    """The pieces as rows of a frame log."""
    rows = [
        (begin + timedelta(seconds=seconds), vehicle_id, BUS, identifier, extended, False, False, 8, data)
        for seconds, identifier, extended, data in pieces
    ]
    columns = [name for name in RAW_CAN.schema if name not in ("received_at", "entry_id")]
    return pl.DataFrame(rows, schema={name: RAW_CAN.schema[name] for name in columns}, orient="row")


def long_messages(vehicle_id: str, midnights: Sequence[datetime]) -> pl.DataFrame:
    """A message of each protocol over every midnight, most of it before and the end after."""
    return pl.concat(_over(vehicle_id, number, midnight) for number, midnight in enumerate(midnights))


def _over(vehicle_id: str, number: int, midnight: datetime) -> pl.DataFrame:
    def parts() -> Iterator[pl.DataFrame]:
        told = broadcast(bytes([number + 1] * 40))
        yield frames_of(told, vehicle_id, midnight - timedelta(seconds=told[-2][0] + 0.01))
        answered = answer(bytes([0x62, *[number + 1] * 19]))
        yield frames_of(answered, vehicle_id, midnight - timedelta(seconds=answered[-2][0] + 0.005))

    return pl.concat(parts())
