"""Messages longer than a frame, put together from their frames; one engine for every transport protocol.

Belongs here: the engine and what it is fed. Does not belong here: how a protocol codes its frames (`transports`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.payload import U8, U32
from fleet_assets.core.compiled import I64, kernel

LONGEST_PAUSE_US = 1_250_000
"""Microseconds between two frames of one message after which it is given up: the longest time-out of SAE J1939-21
(T2, T3); ISO 15765-2 allows 1 s (N_Cr), NMEA 2000 0.75 s."""

IGNORE, BEGIN, CONTINUE, ABANDON = range(4)


@dataclass(frozen=True)
class Pieces:
    """Frames as pieces of messages, in the order of time, one entry a frame.

    `stream`: which conversation (pieces of different ones may alternate); `step`: BEGIN, CONTINUE, ABANDON or IGNORE;
    `number`: the piece's number in its message, counted modulo `modulus`; `total`: bytes of the whole message (BEGIN);
    `first`, `count`: where in the frame's bytes the piece lies; `tag`: what the message is, kept from its BEGIN.
    """

    rows: U32
    at: I64
    stream: I64
    step: npt.NDArray[np.int8]
    number: I64
    modulus: int
    total: I64
    first: I64
    count: I64
    tag: I64
    matrix: U8


@dataclass(frozen=True)
class Assembled:
    """Complete messages: number of the completing frame, tag, and bytes starts[k]:starts[k + 1] of `flat`."""

    rows: U32
    tag: I64
    flat: U8
    starts: I64
    incomplete: int


def assemble(pieces: Pieces) -> Assembled:
    """The complete messages in the order of completion. A piece out of sequence or after too long a pause gives its
    message up; a repeated piece is skipped."""
    count = len(pieces.rows)
    streams = int(pieces.stream.max()) + 1 if count else 0
    # A complete message is never longer than its pieces together, so that all fit into their sum.
    flat = np.empty(int(pieces.count.sum()), dtype=np.uint8)
    ends = np.empty(count, dtype=np.int64)
    done = np.empty(count, dtype=np.int64)
    tags = np.empty(count, dtype=np.int64)
    chain = np.full(count, -1, dtype=np.int64)
    complete, incomplete = _assemble(
        pieces.at, pieces.stream, pieces.step, pieces.number, pieces.modulus, pieces.total, pieces.first, pieces.count,
        pieces.tag, pieces.matrix, np.zeros((streams, 6), dtype=np.int64), chain, flat, ends, done, tags,
    )  # fmt: skip
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:complete]))
    return Assembled(pieces.rows[done[:complete]], tags[:complete], flat, starts, incomplete)


@kernel
def _assemble(
    at: I64, stream: I64, step: npt.NDArray[np.int8], number: I64, modulus: int, total: I64, first: I64, count: I64,
    tag: I64, matrix: U8, state: I64, chain: I64, flat: U8, ends: I64, done: I64, tags: I64,
) -> tuple[int, int]:  # fmt: skip
    """`state` per stream: is open, next number, bytes wanted, bytes got, instant, last piece. `chain`: piece before."""
    complete, incomplete, used = 0, 0, 0
    for i in range(len(at)):
        s = state[stream[i]]
        if step[i] == IGNORE:
            continue
        if s[0] and (step[i] != CONTINUE or at[i] - s[4] > LONGEST_PAUSE_US):
            s[0] = 0
            incomplete += 1
        if step[i] == BEGIN:
            s[0], s[1], s[2], s[3], s[5] = 1, number[i], total[i], 0, -1
        if not s[0] or step[i] == ABANDON:
            continue
        behind = (number[i] - s[1]) % modulus
        if behind == modulus - 1 and step[i] == CONTINUE:
            continue
        if behind != 0:
            s[0] = 0
            incomplete += 1
            continue
        chain[i] = s[5]
        s[1], s[3], s[4], s[5] = number[i] + 1, s[3] + count[i], at[i], i
        if s[3] < s[2]:
            continue
        _write(chain, i, first, count, s[3], s[2], matrix, flat, used)
        used += s[2]
        ends[complete], done[complete], tags[complete] = used, i, tag[_head(chain, i)]
        complete += 1
        s[0] = 0
    for k in range(len(state)):
        incomplete += state[k, 0]
    return complete, incomplete


@kernel
def _head(chain: I64, last: int) -> int:
    while chain[last] >= 0:
        last = chain[last]
    return last


@kernel
def _write(
    chain: I64, last: int, first: I64, count: I64, got: int, wanted: int, matrix: U8, flat: U8, used: int
) -> None:
    """Copy the pieces of a message from its last to its first; what exceeds the announced length is filling."""
    end = got
    while last >= 0:
        begin = end - count[last]
        for k in range(begin, min(end, wanted)):
            flat[used + k] = matrix[last, first[last] + k - begin]
        end = begin
        last = chain[last]
