"""Messages longer than a frame, put together from their frames; one engine for every transport protocol.

Belongs here: the engine and what it is fed. Does not belong here: how a protocol codes its frames (`transports`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.payload import U8, U32
from fleet_assets.core.compiled import I64, kernel

_UNTIMED_US = 1_250_000
"""Microseconds for which pieces without a beginning belong together: the longest time-out of SAE J1939-21 (T2, T3)."""

IGNORE, BEGIN, CONTINUE, ABANDON, KEEP, BROKEN, STRAY = range(7)
"""What a frame does: nothing; begins a message; carries it on; ends it unfinished; says that it is still alive; begins
one that contradicts itself; is no frame of the protocol."""

_NEVER, _OPEN, _LOST, _DONE = range(4)
"""States of a conversation: nothing was heard yet; a message is under way; what comes belongs to one that was given up;
the last one was completed."""


@dataclass(frozen=True)
class Pieces:
    """Frames as pieces of messages, in the order of time, one entry a frame.

    `stream`: which conversation (pieces of different ones may alternate); `step`: what the frame does; `number`: the
    piece's number in its message, counted modulo `modulus`; `first`, `count`: where in the frame's bytes it lies. Of a
    BEGIN, `total`: bytes of the whole message; `pause`: microseconds after which it is given up; `is_asked`:
    whether a missing piece is asked for and sent again; `tag`: what the message is.
    """

    rows: U32
    at: I64
    stream: I64
    step: npt.NDArray[np.int8]
    number: I64
    modulus: int
    total: I64
    pause: I64
    is_asked: npt.NDArray[np.bool_]
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
    """The complete messages in the order of completion.

    A message is given up, and counted once, when a piece is missing, comes again with other bytes, or comes after too
    long a pause. A piece that comes again with the same bytes is passed over. Pieces whose beginning is not there count
    as a message given up too, but not in front of everything else of their conversation: theirs lies before the frames.
    """
    count = len(pieces.rows)
    streams = int(pieces.stream.max()) + 1 if count else 0
    # A complete message is never longer than its pieces together, so that all fit into their sum.
    flat = np.empty(int(pieces.count.sum()), dtype=np.uint8)
    ends = np.empty(count, dtype=np.int64)
    done = np.empty(count, dtype=np.int64)
    tags = np.empty(count, dtype=np.int64)
    chain = np.full(count, -1, dtype=np.int64)
    complete, incomplete = _assemble(
        pieces.at, pieces.stream, pieces.step, pieces.number, pieces.modulus, pieces.total, pieces.pause,
        pieces.is_asked, pieces.first, pieces.count, pieces.tag, pieces.matrix, np.zeros((streams, 8), dtype=np.int64),
        chain, flat, ends, done, tags,
    )  # fmt: skip
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:complete]))
    return Assembled(pieces.rows[done[:complete]], tags[:complete], flat, starts, incomplete)


@kernel
def _assemble(
    at: I64, stream: I64, step: npt.NDArray[np.int8], number: I64, modulus: int, total: I64, pause: I64,
    is_asked: npt.NDArray[np.bool_], first: I64, count: I64, tag: I64, matrix: U8, state: I64, chain: I64, flat: U8,
    ends: I64, done: I64, tags: I64,
) -> tuple[int, int]:  # fmt: skip
    """`state` per stream: state, next number, bytes wanted, bytes got, instant, last piece, longest pause, whether
    missing pieces are asked for. `chain`: piece before."""
    complete, incomplete, used = 0, 0, 0
    for i in range(len(at)):
        s = state[stream[i]]
        if step[i] == IGNORE:
            continue
        if step[i] == STRAY:
            incomplete += 1
            continue
        if s[0] in (_OPEN, _LOST) and at[i] - s[4] > s[6]:
            incomplete += s[0] == _OPEN
            s[0] = _DONE
        if step[i] == KEEP:
            s[4] = at[i]
            continue
        if step[i] != CONTINUE:
            if step[i] == BEGIN and s[0] == _OPEN and chain[s[5]] < 0 and _is_same(matrix, i, s[5]):
                continue
            incomplete += s[0] == _OPEN
            incomplete += step[i] == BROKEN
            s[0] = _OPEN if step[i] == BEGIN else _LOST
            s[1], s[2], s[3], s[4], s[5] = number[i], total[i], 0, at[i], -1
            s[6], s[7] = pause[i], is_asked[i]
            if step[i] != BEGIN:
                continue
        elif s[0] != _OPEN:
            is_late = at[i] - s[4] > s[6]
            incomplete += _is_orphan(s, i, is_late, modulus, chain, number, matrix)
            s[4] = at[i]
            continue
        ahead = (number[i] - s[1]) % modulus
        if ahead != 0:
            is_earlier = ahead > modulus // 2
            is_again = is_earlier and _is_again(s[5], i, number[i], chain, number, matrix)
            if not is_again and (is_earlier or not s[7]):
                s[0], s[1], s[4] = _LOST, number[i] + 1, at[i]
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
        s[0] = _DONE
    for k in range(len(state)):
        incomplete += state[k, 0] == _OPEN
    return complete, incomplete


@kernel
def _is_orphan(s: I64, i: int, is_late: bool, modulus: int, chain: I64, number: I64, matrix: U8) -> bool:
    """Whether a piece outside of any message is the first heard of one whose beginning is missing.

    `is_late`: it comes too long after the piece before to be that one sent again."""
    now = number[i]
    ahead = (now - s[1]) % modulus
    is_earlier = ahead > modulus // 2
    if s[0] == _DONE and not is_late and is_earlier and _is_again(s[5], i, now, chain, number, matrix):
        return False
    is_new = bool(s[0] == _DONE) or (s[0] == _LOST and is_earlier and ahead != modulus - 1)
    s[0], s[1] = _LOST, now + 1
    if s[6] == 0:
        s[6] = _UNTIMED_US
    return is_new


@kernel
def _is_again(last: int, i: int, now: int, chain: I64, number: I64, matrix: U8) -> bool:
    """Whether the message whose last piece is given has a piece of this number with the same bytes."""
    while last >= 0:
        if number[last] == now:
            return _is_same(matrix, i, last)
        last = chain[last]
    return False


@kernel
def _is_same(matrix: U8, one: int, other: int) -> bool:
    return bool(np.all(matrix[one] == matrix[other]))


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
