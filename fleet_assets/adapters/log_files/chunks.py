"""Log files as the import takes them: chunks of frames, with what is no frame set aside.

Does not belong here: formats (the modules beside this one).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from fleet_assets.adapters.chunks import CHUNK_ROWS, Chunk
from fleet_assets.adapters.log_files.options import LogOptions
from fleet_assets.adapters.log_files.reader import LOG_SUFFIXES, read_log
from fleet_assets.adapters.log_files.unread import Unread
from fleet_assets.adapters.quarantine import Reason
from fleet_assets.contracts import FileReader

REMOTE = Reason("remote-frame", "a remote frame asks for data and carries none")


def frames_of_log(path: Path, options: LogOptions) -> Iterator[Chunk]:
    told: list[Unread] = []
    for frames in read_log(path, options, CHUNK_ROWS, told.append):
        is_remote = frames.get_column("is_remote")
        remote = [(REMOTE, frames.filter(is_remote))] if is_remote.any() else []
        data = frames.filter(~is_remote) if remote else frames
        yield Chunk(data.drop("is_remote"), remote + _taken(told))
    if told:
        yield Chunk(pl.DataFrame(), _taken(told))


def _taken(told: list[Unread]) -> list[tuple[Reason, pl.DataFrame]]:
    """What was told so far, joined by reason, which is then forgotten here."""
    taken, told[:] = list(told), []
    reasons = dict.fromkeys(unread.reason for unread in taken)
    return [(reason, pl.concat([one.rows for one in taken if one.reason == reason])) for reason in reasons]


READER = FileReader(LOG_SUFFIXES, frames_of_log, " ".join(LOG_SUFFIXES))
