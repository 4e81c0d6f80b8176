"""The name of a file's content: the same bytes read in the same way have one name wherever the file lies.

Does not belong here: reading formats.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.contracts.errors import FileRejected

DIGEST_LETTERS = 16
"""Length of such a name; the `entry_id` of an imported row begins with it."""


def file_digest(path: Path, options: LogOptions) -> str:
    """16 hex digits that name the file's bytes and the answers that its rows depend on; raises FileRejected."""
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileRejected(path, f"cannot be read ({error.strerror})") from error
    later = [answer for answer in (options.unix_unit, options.logger, options.columns) if answer]
    return short_hash(content, options.vehicle_id, options.bus, options.zone, options.start_at, *later)


def short_hash(*facts: object) -> str:
    """16 hex digits that name some facts."""
    return hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()[:DIGEST_LETTERS]
