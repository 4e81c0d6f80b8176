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

from fleet_assets.core.can.assembly import ABANDON, BEGIN, BROKEN, CONTINUE, IGNORE, KEEP, STRAY, Pieces
from fleet_assets.core.can.payload import U8, U32
from fleet_assets.core.compiled import I64

_J1939_PACKET = 7
_BAM, _RTS, _CTS, _ABORT = 32, 16, 17, 255
_J1939_SIZES = (9, 1785)
"""Bytes of a message that J1939-21 carries in packets: more than a frame, and at most 255 packets."""
_FAST_PACKET_MOST = 223
"""Bytes of the longest fast packet: 6 in the first frame and 7 in each of 31."""
_NO_WRAP = 1 << 40
"""Modulus for pieces whose numbers never start again within a message."""

_BAM_PAUSE_US = 750_000
"""SAE J1939-21, T1: between two packets of a broadcast."""
_CONNECTION_PAUSE_US = 1_250_000
"""SAE J1939-21, T2 and T3: between what one side of a connection sends and what the other answers."""
_ISO_TP_PAUSE_US = 1_250_000
"""ISO 15765-2 allows 1 s (N_Cr) from flow control to the next frame; the first also waits for the flow control."""
_FAST_PACKET_PAUSE_US = 750_000
"""NMEA 2000: between two frames of a fast packet."""


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
    """ISO 15765-2, over classical and FD frames. The message is its length (low byte) and its bytes, so that signals
    stand where they stand in a single frame: byte 0 length, byte 1 service. Flow control frames are passed over."""
    kind, low = frames.byte(0) >> 4, frames.byte(0) & 0xF
    is_single, is_first, is_next = kind == 0, kind == 1, kind == 2
    # CAN FD: a single frame longer than 7 bytes has its length in the second byte; the layout then starts there.
    is_long_single = is_single & (low == 0) & (frames.lengths > 8)
    short = low << 8 | frames.byte(1)
    # A first frame of more than 4095 bytes has 0 there and its length in the four bytes behind.
    is_long_first = is_first & (short == 0)
    announced = np.select(
        [is_long_first, is_first, is_long_single], [_big_endian(frames, 2, 4), short, frames.byte(1)], low
    )
    is_bad_first = is_first & ((frames.lengths < 8) | (announced < np.maximum(frames.lengths - 1, 8)))
    is_stray = (kind > 3) | (is_single & (low > 7))
    begins = (is_single | is_first) & (announced > 0)
    step = np.select([is_stray, is_bad_first, begins, is_next], [STRAY, BROKEN, BEGIN, CONTINUE], IGNORE)
    # A single frame that ends too early is a short payload, not a message that waits for more.
    first = np.select([is_long_first, is_first | is_long_single | is_next], [5, 1], 0)
    total = np.where(is_single, np.minimum(announced + 1, frames.lengths - first), announced + 1)
    return _pieces(frames, step, np.where(is_next, low, 0), 16, total, first, _ISO_TP_PAUSE_US)


def are_iso_tp(frames: TransportFrames) -> bool:
    """Whether each of these frames of more than 8 bytes can be one of ISO-TP.

    A message that fills such frames itself shows it with the first byte that is none of ISO-TP, or with a length that
    does not fit its frame; so does one that some tool has put together, which begins with its length.
    """
    kind, low, second, lengths = frames.byte(0) >> 4, frames.byte(0) & 0xF, frames.byte(1), frames.lengths
    is_single = (kind == 0) & (low == 0) & (second > 0) & (lengths == _frame_length(second + 2))
    short = low << 8 | second
    is_first = (kind == 1) & ((short >= lengths - 1) | ((short == 0) & (_big_endian(frames, 2, 4) > 4095)))
    is_put_together = frames.byte(0) == lengths - 1
    return bool((((is_single | is_first) & ~is_put_together) | (kind == 2) | (kind == 3)).all())


def _frame_length(needed: I64) -> I64:
    """Bytes of the smallest CAN FD frame of more than 8 bytes that holds so many."""
    sizes = np.array([12, 16, 20, 24, 32, 48, 64, 0])
    return sizes[np.searchsorted(sizes[:-1], needed)]


def _big_endian(frames: TransportFrames, position: int, count: int) -> I64:
    number = np.zeros(len(frames.rows), dtype=np.int64)
    for k in range(count):
        number = number << 8 | frames.byte(position + k)
    return number


def j1939_transport(frames: TransportFrames, is_data: npt.NDArray[np.bool_]) -> Pieces:
    """SAE J1939-21: broadcasts (BAM) and connections (RTS/CTS). `is_data`: TP.DT, the others are TP.CM.

    The tag is the parameter group announced. A connection is listened to from outside: its data packets count, asked
    for or not; packets that are sent again because the receiver asked for them are those that were there already, or
    the missing ones.
    """
    control = frames.byte(0)
    is_broadcast = ~is_data & (control == _BAM)
    is_start = is_broadcast | (~is_data & (control == _RTS))
    announced = frames.byte(1) | frames.byte(2) << 8
    least, most = _J1939_SIZES
    packets = -(-announced // _J1939_PACKET)
    is_wrong = (announced < least) | (announced > most) | (packets != frames.byte(3)) | (frames.lengths < 8)
    step = np.select(
        [is_data, is_start & is_wrong, is_start, ~is_data & (control == _CTS), ~is_data & (control == _ABORT)],
        [CONTINUE, BROKEN, BEGIN, KEEP, ABANDON], IGNORE,
    )  # fmt: skip
    group = frames.byte(5) | frames.byte(6) << 8 | frames.byte(7) << 16
    pause = np.where(is_broadcast, _BAM_PAUSE_US, _CONNECTION_PAUSE_US)
    number = np.where(is_data, control, 0)
    pieces = _pieces(frames, step, number, _NO_WRAP, announced, np.ones_like(control), pause, ~is_broadcast, group)
    # The announcement itself carries no bytes of the message.
    pieces.count[~is_data] = 0
    return pieces


def answers_sender(control: I64) -> npt.NDArray[np.bool_]:
    """Which TP.CM frames, by their first byte, go against the direction of the message they are about."""
    is_clear_to_send: npt.NDArray[np.bool_] = control == _CTS
    return is_clear_to_send


def fast_packet(frames: TransportFrames) -> Pieces:
    """NMEA 2000 fast packet: 3 bits of sequence, 5 bits of counter; the first frame has the length and 6 bytes."""
    counter, total = frames.byte(0) & 0x1F, frames.byte(1)
    is_first = counter == 0
    is_wrong = is_first & ((total == 0) | (total > _FAST_PACKET_MOST))
    step = np.select([is_wrong, is_first], [BROKEN, BEGIN], CONTINUE)
    sequences = TransportFrames(
        frames.rows, frames.at, frames.stream * 8 + (frames.byte(0) >> 5), frames.matrix, frames.lengths
    )
    return _pieces(sequences, step, counter, 32, total, np.where(is_first, 2, 1), _FAST_PACKET_PAUSE_US)


def _pieces(
    frames: TransportFrames, step: I64, number: I64, modulus: int, total: I64, first: I64, pause: I64 | int,
    is_asked: npt.NDArray[np.bool_] | None = None, tag: I64 | None = None,
) -> Pieces:  # fmt: skip
    count = len(frames.rows)
    return Pieces(
        rows=frames.rows, at=frames.at, stream=frames.stream, step=step.astype(np.int8), number=number,
        modulus=modulus, total=total, pause=np.broadcast_to(np.asarray(pause, dtype=np.int64), count).copy(),
        is_asked=np.zeros(count, dtype=np.bool_) if is_asked is None else is_asked, first=first,
        count=np.maximum(frames.lengths - first, 0), tag=np.zeros(count, dtype=np.int64) if tag is None else tag,
        matrix=frames.matrix,
    )  # fmt: skip
