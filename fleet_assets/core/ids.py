"""Stable ids of events: the same vehicle and start give the same id on every machine and with every version.

Belongs here: the hash. Does not belong here: ids of raw rows (they come from the transport or the file).
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

_U64 = npt.NDArray[np.uint64]
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def event_ids(vehicle_id: pl.Series, started_at: pl.Series) -> pl.Series:
    """64-bit ids as 16 hexadecimal digits, one per row of (vehicle_id, started_at in microseconds UTC).

    blake2b of the vehicle id, mixed with the instant by splitmix64 (Steele, Lea, Flood 2014). Two events of one
    vehicle never collide (splitmix64 is a bijection); of two vehicles with a chance of 2**-64 per pair.
    """
    instants = started_at.to_physical().to_numpy().astype(np.uint64)
    with np.errstate(over="ignore"):
        mixed = _splitmix64(_vehicle_hashes(vehicle_id) ^ _splitmix64(instants))
    return pl.Series("id", _hex_text(mixed), dtype=pl.String)


def _vehicle_hashes(vehicle_id: pl.Series) -> _U64:
    names = vehicle_id.unique()
    digests = [int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little") for name in names]
    hashes = pl.Series(digests, dtype=pl.UInt64)
    return vehicle_id.replace_strict(names, hashes, return_dtype=pl.UInt64).to_numpy()


def _splitmix64(values: _U64) -> _U64:
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _hex_text(values: _U64) -> list[str]:
    octets = values.astype(">u8").view(np.uint8).reshape(-1, 8)
    digits = np.empty((len(values), 16), dtype=np.uint8)
    digits[:, 0::2] = _HEX[octets >> 4]
    digits[:, 1::2] = _HEX[octets & 15]
    return digits.view("S16").ravel().astype("U16").tolist()
