"""Log files of CAN frames, whatever tool wrote them, as chunks of frame-log rows.

Belongs here: one module a format, and the choice between them (`read_log`).
Does not belong here: what becomes of the frames.
"""

from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions
from fleet_assets.adapters.log_files.reader import LOG_SUFFIXES, read_log
from fleet_assets.adapters.log_files.unread import NO_FRAME, Unread

__all__ = ["LOG_SUFFIXES", "NO_FRAME", "AnswerMissing", "LogOptions", "Unread", "read_log"]
