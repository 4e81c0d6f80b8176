"""How transport protocols cut messages into frames: ISO-TP, J1939 transport protocol, NMEA 2000 fast packets.

Belongs here: reading the protocols' control bytes, all frames at once. Does not belong here: putting together
(`assembly`), and which frames these are (`routing`).

Every function takes the frames of one protocol in the order of time: `rows` (frame numbers), `at` (microseconds),
`stream` (a number per sender and receiver), `matrix` (bytes) and `lengths`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.assembly import ABANDON, BEGIN, CONTINUE, IGNORE, Pieces
from fleet_assets.core.can.payload import U8, U32
from fleet_assets.core.compiled import I64

_J1939_PACKET = 7
_BAM, _RTS, _ABORT = 32, 16, 255
_NO_WRAP = 1 << 40
"""Modulus for pieces whose numbers never start again within a message."""


@dataclass(frozen=True)
class TransportFrames:
    """Frames of one transport protocol in the order of time."""

    rows: U32
    at: I64
    stream: I64
    matrix: U8
    lengths: I64

    def byte(self, position: int) -> I64:
        return self.matrix[:, position].astype(np.int64)


def iso_tp(frames: TransportFrames) -> Pieces:
    """ISO 15765-2. The message is its length (low byte) and its bytes, so that signals stand where they stand in a
    single frame: byte 0 length, byte 1 service. Flow control frames are passed over."""
    kind, low = frames.byte(0) >> 4, frames.byte(0) & 0xF
    is_single, is_first, is_next = kind == 0, kind == 1, kind == 2
    # CAN FD: a single frame longer than 7 bytes has its length in the second byte; the layout then starts there.
    is_long_single = is_single & (low == 0) & (frames.lengths > 8)
    announced = np.where(is_first, low << 8 | frames.byte(1), np.where(is_long_single, frames.byte(1), low)) + 1
    # A single frame that ends too early is a short payload, not a message that waits for more.
    announced = np.where(is_single, np.minimum(announced, frames.lengths), announced)
    first = np.where(is_first | is_long_single, 1, np.where(is_next, 1, 0))
    # An announced length of 0 is no message.
    step = np.select([(is_single | is_first) & (announced > 1), is_next], [BEGIN, CONTINUE], IGNORE)
    return _pieces(frames, step, np.where(is_next, low, 0), 16, announced, first)


def j1939_transport(frames: TransportFrames, is_data: npt.NDArray[np.bool_]) -> Pieces:
    """SAE J1939-21: broadcasts (BAM) and connections (RTS/CTS). `is_data`: TP.DT, the others are TP.CM.

    The tag is the parameter group announced. A connection is listened to from outside: its data packets count, asked
    for or not.
    """
    control = frames.byte(0)
    is_start = ~is_data & ((control == _BAM) | (control == _RTS))
    step = np.select([is_data, is_start, ~is_data & (control == _ABORT)], [CONTINUE, BEGIN, ABANDON], IGNORE)
    announced = frames.byte(1) | frames.byte(2) << 8
    group = frames.byte(5) | frames.byte(6) << 8 | frames.byte(7) << 16
    pieces = _pieces(frames, step, np.where(is_data, control, 0), _NO_WRAP, announced, np.ones_like(control), group)
    # The announcement itself carries no bytes of the message.
    pieces.count[~is_data] = 0
    return pieces


def fast_packet(frames: TransportFrames) -> Pieces:
    """NMEA 2000 fast packet: 3 bits of sequence, 5 bits of counter; the first frame has the length and 6 bytes."""
    counter = frames.byte(0) & 0x1F
    is_first = counter == 0
    step = np.where(is_first, BEGIN, CONTINUE)
    sequences = TransportFrames(
        frames.rows, frames.at, frames.stream * 8 + (frames.byte(0) >> 5), frames.matrix, frames.lengths
    )
    return _pieces(sequences, step, counter, 32, frames.byte(1), np.where(is_first, 2, 1))


def _pieces(
    frames: TransportFrames, step: I64, number: I64, modulus: int, total: I64, first: I64, tag: I64 | None = None
) -> Pieces:
    return Pieces(
        rows=frames.rows, at=frames.at, stream=frames.stream, step=step.astype(np.int8), number=number,
        modulus=modulus, total=total, first=first, count=np.maximum(frames.lengths - first, 0),
        tag=np.zeros(len(frames.rows), dtype=np.int64) if tag is None else tag, matrix=frames.matrix,
    )  # fmt: skip
