"""The choice of a reader by a log file's name, and the one shape in which all readers answer.

Belongs here: dispatch, the vehicle of the rows, one plain sentence for whatever a library raises.
Does not belong here: any format.

A format is imported when a file of it comes: who reads one, and the process that reads MF4, starts without the others
and what they need (BLF compiles kernels).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from fleet_assets.adapters.frame_batch import FRAME_LOG_COLUMNS
from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions, absolute_times
from fleet_assets.adapters.log_files.unread import DAMAGED, Skipped, Unread
from fleet_assets.adapters.reading_budget import damage_of, open_plain
from fleet_assets.adapters.reading_process import read_apart
from fleet_assets.contracts.errors import FileRejected

CHUNK_ROWS = 200_000
"""Rows in memory at once; part of what makes importing a file again write the same files."""

_APART = {
    ".mf4": "fleet_assets.adapters.log_files.mf4:read_mf4",
    ".parquet": "fleet_assets.adapters.log_files.parquet_logs:read_parquet_log",
}
"""Formats that a library reads, each by a function in a process of its own."""
LOG_SUFFIXES = tuple(sorted((".asc", ".blf", ".csv", ".db", ".log", ".trc", *_APART)))
"""Endings of files that can be read; text and BLF logs also with `.gz` behind."""

_COLUMNS = (*FRAME_LOG_COLUMNS, "is_remote")


def _warn(unread: Unread) -> None:
    first = unread.rows.row(0)
    logging.getLogger(__name__).warning("%d times %s, first %s: %s", unread.rows.height, unread.reason.slug, *first)


def read_log(
    path: Path, options: LogOptions, chunk_rows: int = CHUNK_ROWS, skipped: Skipped = _warn
) -> Iterator[pl.DataFrame]:
    """The frames of a log in file order, in chunks of frame-log columns and `is_remote`.

    `skipped` is called with what gave no frame; the rest is read. Raises FileRejected, with what to do about it, for a
    file that is of no known kind, has no absolute time, or names no vehicle where the options name none.
    """
    ending = _ending(path)
    try:
        for chunk in _chunks(path, ending, options, chunk_rows, skipped):
            timed = _with_vehicle(path, absolute_times(path, chunk, options), options).select(_COLUMNS)
            if options.logger:
                timed = timed.with_columns(pl.concat_str(pl.lit(f"{options.logger}-"), "bus").alias("bus"))
            yield from timed.iter_slices(chunk_rows)
    except FileRejected:
        raise
    except OSError as error:
        raise FileRejected(path, f"cannot be read ({error.strerror or 'the disk gave no reason'})") from error
    # Whatever a reader did not foresee concerns this file alone.
    except Exception as error:
        logging.getLogger(__name__).debug("reading %s", path, exc_info=True)
        raise FileRejected(path, f"is not a readable {ending} log: its content is of no form that is known") from error


def _chunks(path: Path, ending: str, options: LogOptions, chunk_rows: int, skipped: Skipped) -> Iterator[pl.DataFrame]:
    if ending in _APART:
        yield from read_apart(_APART[ending], path, options, chunk_rows, options.budget, skipped)
    elif ending == ".db":
        from fleet_assets.adapters.log_files.can_db import read_can_db

        yield from read_can_db(path, options, chunk_rows, skipped)
    else:
        yield from _streamed(path, ending, options, skipped)


def _streamed(path: Path, ending: str, options: LogOptions, skipped: Skipped) -> Iterator[pl.DataFrame]:
    with open_plain(path, options.budget) as stream:
        if ending == ".blf":
            from fleet_assets.adapters.log_files.blf import read_blf

            yield from read_blf(path, stream, options, skipped)
        else:
            from fleet_assets.adapters.log_files.text_logs import read_text_log

            yield from read_text_log(path, ending, stream, options, skipped)
        if damage := damage_of(stream):
            skipped(Unread.of(DAMAGED, [damage[0]], [damage[1]]))


def _ending(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    ending = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else suffixes[-1] if suffixes else ""
    if ending not in LOG_SUFFIXES:
        known = ", ".join(LOG_SUFFIXES)
        raise FileRejected(path, f"is no log of a known kind ({ending or 'it has no ending'}; known are {known})")
    return ending


def _with_vehicle(path: Path, chunk: pl.DataFrame, options: LogOptions) -> pl.DataFrame:
    if "vehicle_id" in chunk.columns:
        return chunk
    if not options.vehicle_id:
        raise AnswerMissing(path, "it does not say which vehicle it is from; give --vehicle-id")
    return chunk.with_columns(vehicle_id=pl.lit(options.vehicle_id))
