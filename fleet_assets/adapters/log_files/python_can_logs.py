"""Logs that python-can reads: .asc .blf .log .trc .csv .db, all but .db also gzipped.

Belongs here: its readers as chunks of columns, absolute times, channel names. Does not belong here: MF4 and Parquet.

Times. `.log`, `.csv` and `.db` hold Unix time. `.asc` states the wall clock of the logging computer without a zone, so
a zone must be given. `.blf` and `.trc` state a wall clock that python-can and others write in UTC: it is taken as UTC
unless a zone is given. Channels keep the number the file shows: channel 1 of a Vector or PEAK log is the bus `CAN1`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import can
import polars as pl
from can.io.generic import MessageReader

from fleet_assets.adapters.frame_batch import batch_of_messages, frame_of_batch
from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions, absolute_times
from fleet_assets.adapters.log_files.skipped_lines import Skipped, WatchedLines
from fleet_assets.contracts.errors import FileRejected

_CSV_HEADER = "timestamp,arbitration_id,extended,remote,error,dlc,data"
# Channels that python-can counts from 0 although the file counts from 1.
_CHANNELS_FROM_ONE = (can.ASCReader, can.BLFReader)


def read_python_can_log(path: Path, options: LogOptions, chunk_rows: int, skipped: Skipped) -> Iterator[pl.DataFrame]:
    """The frames of the log. The library hands them over one by one; from there on they are columns.

    `skipped` is called with each line that looks like a frame and gave none, before the chunk that follows it.
    """
    with _open(path, options) as reader:
        messages = _messages(path, reader, skipped)
        while chunk := list(islice(messages, chunk_rows)):
            frames = frame_of_batch(batch_of_messages(chunk)).with_columns(bus=_buses(reader, chunk, options))
            yield absolute_times(path, _in_zone(reader, frames, options), options)


def _messages(path: Path, reader: MessageReader, skipped: Skipped) -> Iterator[can.Message]:
    if not isinstance(reader, can.ASCReader | can.TRCReader):
        return iter(reader)
    lines = WatchedLines(reader.file, _ending(path), skipped)
    reader.file = lines  # type: ignore[assignment]
    return lines.frames(iter(reader))


@contextmanager
def _open(path: Path, options: LogOptions) -> Iterator[MessageReader]:
    kind = can.io.player.MESSAGE_READERS[_ending(path)]
    source: Any = path
    if path.suffix.lower() == ".gz":
        plain = gzip.GzipFile(path, "rb")
        source = plain if issubclass(kind, can.io.generic.BinaryIOMessageReader) else TextIOWrapper(plain, "utf-8")
    reader = _asc_reader(path, source, options.zone) if kind is can.ASCReader else kind(source)
    try:
        _refuse_others(path, reader)
        yield reader
    finally:
        reader.stop()


def _ending(path: Path) -> str:
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def _asc_reader(path: Path, source: Any, zone: tzinfo | None) -> can.ASCReader:
    class ZonedReader(can.ASCReader):
        """python-can reads the date in the zone of this machine, which says nothing about the logger's."""

        @staticmethod
        def _datetime_to_timestamp(datetime_string: str) -> float:
            if zone is None:
                raise AnswerMissing(path, f"states the local time {datetime_string} without a zone; give --timezone")
            local = datetime.fromtimestamp(can.ASCReader._datetime_to_timestamp(datetime_string))
            return local.replace(tzinfo=zone).timestamp()

        def _extract_header(self) -> None:
            super()._extract_header()
            if self.timestamps_format == "relative":
                raise FileRejected(path, "its timestamps count from the event before; export it with absolute ones")

    return ZonedReader(source, relative_timestamp=False)


def _refuse_others(path: Path, reader: MessageReader) -> None:
    if isinstance(reader, can.CSVReader) and _first_line(path) != _CSV_HEADER:
        # python-can skips the first line unread; another table would give wrong frames or none.
        raise FileRejected(path, f"is no CSV log of CAN frames: its first line is not {_CSV_HEADER}")
    if isinstance(reader, can.BLFReader) and path.suffix.lower() == ".blf":
        size = path.stat().st_size
        if size < reader.file_size:
            raise FileRejected(path, f"it was cut: {size} of {reader.file_size} bytes are there")


def _first_line(path: Path) -> str:
    with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rb") as file:
        return file.readline().decode("utf-8-sig", errors="replace").strip()


def _in_zone(reader: MessageReader, frames: pl.DataFrame, options: LogOptions) -> pl.DataFrame:
    """Times of a wall clock that python-can took for UTC, in the zone that was given."""
    start = getattr(reader, "start_timestamp", 0) or getattr(reader, "_start_time", 0)
    if options.zone is None or not start or not isinstance(reader, can.BLFReader | can.TRCReader):
        return frames
    wall = datetime.fromtimestamp(start, UTC)
    return frames.with_columns(pl.col("recorded_at") + (wall.replace(tzinfo=options.zone) - wall))


def _buses(reader: MessageReader, chunk: list[can.Message], options: LogOptions) -> pl.Series:
    first = 1 if isinstance(reader, _CHANNELS_FROM_ONE) else 0
    channels = [message.channel for message in chunk]
    names = {channel: _bus_name(channel, first, options.bus) for channel in set(channels)}
    return pl.Series([names[channel] for channel in channels], dtype=pl.String)


def _bus_name(channel: Any, first: int, default: str) -> str:
    if channel is None:
        return default
    return f"CAN{channel + first}" if isinstance(channel, int) else str(channel)
