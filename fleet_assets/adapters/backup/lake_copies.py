"""Lake and other folders into a backup, while builds and the collector go on.

Belongs here: what makes a copy of a moving folder consistent. Does not belong here: databases.

A partition is its bytes and the record that names their hash. It is copied until both agree, so a copy never holds half
of a build. Partitions of different moments may stand side by side: their records say what each was made from, and
`fleet build` makes what does not fit. What else lies in a lake goes along: its name (`lake_id`), which days a rule has
yet to look at, and what rules found.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from fleet_assets.adapters.backup.writer import BackupWriter

TRIES = 5
PAUSE_S = 0.2
"""A partition is without record only between two renames, unless the process that wrote it was killed."""


def copy_lake(writer: BackupWriter, place: str, root: Path) -> None:
    """Copy every stored partition with its record; one without record is left out, as `fleet build` makes it anew.

    What is to be judged is copied before the partitions and again after them: a day that is stored or judged meanwhile
    is judged once too often, never once too seldom. Findings come last, since a mark goes when its finding is there;
    one of other bytes than those copied is void.
    """
    _copy_present(writer, place, root, "lake_id")
    _copy_present(writer, place, root, "*/_unjudged/*")
    for path in sorted(root.glob("**/*.parquet")):
        if path.name.startswith("."):
            continue
        name = f"{place}/{path.relative_to(root)}"
        if path.name == "empty.parquet":
            writer.copy(name, path)
        elif not _copy_partition(writer, name, path):
            writer.leave_out(name, "it has no finished record: a build writes it, or was killed while it did")
    _copy_present(writer, place, root, "*/_unjudged/*")
    _copy_present(writer, place, root, "*/date=*/*.finding.json")


def copy_folder(writer: BackupWriter, place: str, root: Path, never_changed: bool = False) -> None:
    """Copy every file below a folder but temporary ones; files that are `never_changed` are not read twice."""
    for path in sorted(root.glob("**/*")):
        relative = path.relative_to(root)
        if path.is_file() and not any(part.startswith((".", "_staging")) for part in relative.parts):
            _copy_file(writer, f"{place}/{relative}", path, never_changed)


def _copy_present(writer: BackupWriter, place: str, root: Path, pattern: str) -> None:
    """Copy small files that come and go: one that has gone meanwhile has done its work."""
    for path in sorted(root.glob(pattern)):
        name = f"{place}/{path.relative_to(root)}"
        if not path.name.startswith(".") and name not in writer.manifest.files:
            with suppress(FileNotFoundError):
                writer.copy(name, path)


def _copy_file(writer: BackupWriter, name: str, path: Path, never_changed: bool) -> None:
    earlier = writer.earlier(name)
    try:
        status = path.stat()
        is_same = earlier is not None and (earlier.size, earlier.modified_ns) == (status.st_size, status.st_mtime_ns)
        if not (never_changed and is_same and earlier is not None and writer.link(name, earlier)):
            writer.copy(name, path)
    except FileNotFoundError:
        writer.leave_out(name, "it was removed while the backup was written")


def _put_record(writer: BackupWriter, name: str, text: str, modified_ns: int) -> None:
    """The record as it was read, not as it may be by now."""
    target = writer.target(name)
    target.write_text(text)
    os.utime(target, ns=(modified_ns, modified_ns))
    writer.adopt(name)


def _copy_partition(writer: BackupWriter, name: str, path: Path) -> bool:
    """Copy bytes and record of one partition that belong together; False when they never did."""
    record, record_name = path.with_suffix(".json"), str(Path(name).with_suffix(".json"))
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S)
        try:
            text = record.read_text()
            content = str(json.loads(text)["content"])
            earlier = writer.earlier(name)
            is_there = earlier is not None and earlier.sha256 == content and writer.link(name, earlier)
            if not is_there and writer.copy(name, path).sha256 != content:
                continue
            _put_record(writer, record_name, text, record.stat().st_mtime_ns)
            return True
        except (FileNotFoundError, json.JSONDecodeError):
            continue
    writer.manifest.files.pop(name, None)
    return False
