"""The length of a frame in bytes: the one definition, for every format and the stream.

Belongs here: what a data length code means. Does not belong here: where formats keep it.

A code up to 8 is the length itself. Above 8 a classic frame has 8 bytes, and a CAN FD frame 12, 16, 20, 24, 32, 48 or
64 (ISO 11898-1:2015, table 5).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LONGEST_CLASSIC, LONGEST_FD = 8, 64

_FD = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64], dtype=np.uint8)
_IS_LENGTH = np.isin(np.arange(LONGEST_FD + 1), _FD)


def bytes_of_code(code: npt.NDArray[np.integer], is_fd: npt.NDArray[np.bool_] | bool) -> npt.NDArray[np.uint8]:
    """Bytes for data length codes; a code above 15 counts as 15."""
    found: npt.NDArray[np.uint8] = np.where(is_fd, _FD[np.clip(code, 0, 15)], np.clip(code, 0, LONGEST_CLASSIC)).astype(
        np.uint8
    )
    return found


def bytes_stated(
    stated: npt.NDArray[np.integer], carried: npt.NDArray[np.integer], is_fd: npt.NDArray[np.bool_] | bool
) -> npt.NDArray[np.uint8]:
    """Bytes for a field that some writers fill with the length and others with its code.

    It is the length where it equals the number of bytes carried, or is above 15; else the code. 9 to 11 and 13 to 15
    are no lengths of CAN FD, and of 12 the bytes carried say what is meant.
    """
    lengths = np.clip(stated, 0, LONGEST_FD)
    is_length = (stated == carried) | ((stated > 15) & _IS_LENGTH[lengths])
    as_code = bytes_of_code(stated, is_fd)
    found: npt.NDArray[np.uint8] = np.where(np.asarray(is_fd) & is_length, lengths, as_code).astype(np.uint8)
    return found


def is_fd_by_length(stated: npt.NDArray[np.integer], carried: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Whether frames of a format without the CAN FD flag are of CAN FD: they state more than eight bytes.

    Eight bytes under a higher number are a classic frame with its raw length code.
    """
    return np.asarray((stated > LONGEST_CLASSIC) & (carried != LONGEST_CLASSIC))
