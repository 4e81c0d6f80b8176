"""The choice of a reader by a log file's name, and the one shape in which all readers answer.

Belongs here: dispatch, the vehicle of the rows, one plain sentence for whatever a library raises.
Does not belong here: any format.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import polars as pl
from can.io.player import MESSAGE_READERS

from fleet_assets.adapters.frame_batch import FRAME_LOG_COLUMNS
from fleet_assets.adapters.log_files.mf4 import read_mf4
from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions
from fleet_assets.adapters.log_files.parquet_logs import read_parquet_log
from fleet_assets.adapters.log_files.python_can_logs import read_python_can_log
from fleet_assets.adapters.log_files.skipped_lines import Skipped
from fleet_assets.contracts.errors import FileRejected

CHUNK_ROWS = 200_000
"""Rows in memory at once; part of what makes importing a file again write the same files."""

Reader = Callable[[Path, LogOptions, int], Iterator[pl.DataFrame]]

_OTHER_READERS: dict[str, Reader] = {".mf4": read_mf4, ".parquet": read_parquet_log}

LOG_SUFFIXES = tuple(sorted({*MESSAGE_READERS, *_OTHER_READERS}))
"""Endings of files that can be read; text and BLF logs also with `.gz` behind."""

_COLUMNS = (*FRAME_LOG_COLUMNS, "is_remote")


def _warn(line: str) -> None:
    logging.getLogger(__name__).warning("a line that looks like a frame gave none: %s", line)


def read_log(
    path: Path, options: LogOptions, chunk_rows: int = CHUNK_ROWS, skipped: Skipped = _warn
) -> Iterator[pl.DataFrame]:
    """The frames of a log in file order, in chunks of frame-log columns and `is_remote`.

    `skipped` is called with each line of a text log that looks like a frame and gave none; the others are read.
    Raises FileRejected, with what to do about it, for a file that is of no known kind, cannot be read to its end, has
    no absolute time, or names no vehicle where the options name none.
    """
    reader = _reader(path, skipped)
    logging.getLogger("can").setLevel(logging.ERROR)
    try:
        for chunk in reader(path, options, chunk_rows):
            yield _with_vehicle(path, chunk, options).select(_COLUMNS)
    except FileRejected:
        raise
    except OSError as error:
        raise FileRejected(path, f"cannot be read ({error.strerror or error})") from error
    # The format libraries raise whatever their parsing runs into: IndexError, struct.error, zlib.error, KeyError, ...
    except Exception as error:
        raise FileRejected(path, f"is not a readable {path.suffix} log ({type(error).__name__}: {error})") from error


def _reader(path: Path, skipped: Skipped) -> Reader:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    ending = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else suffixes[-1] if suffixes else ""
    if ending not in LOG_SUFFIXES:
        known = ", ".join(LOG_SUFFIXES)
        raise FileRejected(path, f"is no log of a known kind ({ending or 'it has no ending'}; known are {known})")
    return _OTHER_READERS.get(ending) or partial(read_python_can_log, skipped=skipped)


def _with_vehicle(path: Path, chunk: pl.DataFrame, options: LogOptions) -> pl.DataFrame:
    if "vehicle_id" in chunk.columns:
        return chunk
    if not options.vehicle_id:
        raise AnswerMissing(path, "it does not say which vehicle it is from; give --vehicle-id")
    return chunk.with_columns(vehicle_id=pl.lit(options.vehicle_id))
