"""Log files of CAN frames, whatever tool wrote them, as chunks of frame-log rows.

Belongs here: one module a family of formats, and the choice between them (`read_log`).
Does not belong here: what becomes of the frames.
"""

from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions
from fleet_assets.adapters.log_files.reader import LOG_SUFFIXES, read_log

__all__ = ["LOG_SUFFIXES", "AnswerMissing", "LogOptions", "read_log"]
