"""Lake and other folders into a backup, while builds and the collector go on.

Belongs here: what makes a copy of a moving folder consistent. Does not belong here: databases.

Of each table the newest generation is copied with the files that it names, whatever is stored meanwhile; a file whose
bytes are not those of its record is left out, and its day with it. Tables of different moments may stand side by side:
records say what each partition was made from, and `fleet build` makes what does not fit. What else lies in a lake goes
along: its name (`lake_id`), which days a rule has yet to look at, and what rules found. What was superseded does not.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

from fleet_assets.adapters.backup.writer import BackupWriter
from fleet_assets.adapters.lake import Generation, Lake, PartitionRecord
from fleet_assets.contracts import TABLES, Table


def copy_lake(writer: BackupWriter, place: str, root: Path) -> None:
    """Copy every stored partition; one without record is left out, as `fleet build` makes it anew.

    What is to be judged is copied before the partitions and again after them: a day that is stored or judged meanwhile
    is judged once too often, never once too seldom. Findings come last, since a mark goes when its finding is there;
    one of other bytes than those copied is void.
    """
    lake = Lake(str(root))
    _copy_present(writer, place, root, "lake_id")
    _copy_present(writer, place, root, "*/_unjudged/*")
    _copy_present(writer, place, root, "*/empty.parquet")
    for table in TABLES.values():
        _copy_table(writer, place, lake, table)
    _copy_present(writer, place, root, "*/_unjudged/*")
    _copy_present(writer, place, root, "*/_findings/*.json")
    _copy_present(writer, place, root, "*/date=*/*.finding.json")


def _copy_table(writer: BackupWriter, place: str, lake: Lake, table: Table) -> None:
    generation = lake.generation(table)
    left = [day for day in generation.partitions if not _copy_partition(writer, place, lake, generation, day)]
    if generation.number:
        copied = generation.without(left)
        name = f"{place}/{lake.manifest(table).path(copied.number).relative_to(lake.root)}"
        writer.target(name).write_bytes(copied.text)
        writer.adopt(name)


def _copy_partition(writer: BackupWriter, place: str, lake: Lake, generation: Generation, day: date | None) -> bool:
    """Copy the bytes of one partition, which nobody changes; False where they are not those of its record."""
    record, file = generation.record(day), generation.file(day)
    assert file is not None
    name = f"{place}/{file.relative_to(lake.root)}"
    if record is None:
        writer.leave_out(name, "it has no record: it is damaged, or its build was killed")
        return False
    if _link_or_copy(writer, name, file, record):
        return True
    writer.manifest.files.pop(name, None)
    writer.leave_out(name, "it is damaged: its bytes are not those of its record")
    return False


def _link_or_copy(writer: BackupWriter, name: str, file: Path, record: PartitionRecord) -> bool:
    earlier = writer.earlier(name)
    if earlier is not None and earlier.sha256 == record.content and writer.link(name, earlier):
        return True
    try:
        return writer.copy(name, file).sha256 == record.content
    except FileNotFoundError:
        return False


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
