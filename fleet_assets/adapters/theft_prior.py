"""The prior's files: simulated fleets in the package, from which every installation fits its first model itself.

Belongs here: reading and writing them. Does not belong here: what is in them (`core.theft.model.prior`), making them
(`commands.theft_prior`).
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from functools import cache
from pathlib import Path

import polars as pl

from fleet_assets.core.theft.model.prior import Prior

PACKAGED = Path(__file__).resolve().parents[1] / "theft_prior"
"""The folder of the package that holds them."""

_NAMES = tuple(field.name for field in fields(Prior))


@cache
def read_prior(folder: Path = PACKAGED) -> Prior:
    """The prior of a folder; that of the package if none is given."""
    frames = (pl.read_parquet(_file(folder, name)) for name in _NAMES)
    return Prior(*(frame.with_columns(pl.col(pl.Float32).cast(pl.Float64)) for frame in frames))


def write_prior(folder: Path, prior: Prior) -> int:
    """Write it, numbers with seven digits; returns the bytes that it takes. Equal fleets give equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _NAMES:
        rows: pl.DataFrame = getattr(prior, name)
        short = rows.with_columns(pl.col(pl.Float64).cast(pl.Float32)) if name == "candidates" else rows
        short.write_parquet(_file(folder, name), compression="zstd", compression_level=19, statistics=False)
    return sum(_file(folder, name).stat().st_size for name in _NAMES)


@cache
def prior_fingerprint(folder: Path = PACKAGED) -> str:
    """Names the bytes of its files."""
    return hashlib.sha256(b"".join(_file(folder, name).read_bytes() for name in _NAMES)).hexdigest()[:16]


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"
