"""The warehouse: one DuckDB file that people open, replaced in one step by a privately built one.

Belongs here: the private file and its lock, and publishing. Does not belong here: queries of what is published
(`duckdb_query`), the models (dbt_models/), and how a lake partition is written (`lake`).

DuckDB lets one process write a file, and keeps it out while others read. So builds never touch the published file:

    <folder>/build/<name>.duckdb      private; starts as a copy of the published file, dbt writes it; same name, because
                                      views remember the catalogue's name
    <folder>/<name>.duckdb            published; a copy put in place by rename. Whoever holds the old one keeps it whole

Every lake table is a view in both. A build and a query see the files of one generation; in the published file the views
are over the names that people know, so that they follow the lake while the file stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, BinaryIO

import polars as pl
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from fleet_assets.adapters import dbt_session, duckdb_origin, published_file
from fleet_assets.adapters.duckdb_origin import SETTLE_NS
from fleet_assets.adapters.duckdb_query import answer, tables_of
from fleet_assets.adapters.durable_file import replace_file, write_durably
from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_views import named_files, quoted, view_statement
from fleet_assets.adapters.published_file import FileState, file_state
from fleet_assets.adapters.remembered import recall, remember
from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import DataError, ServiceError
from fleet_assets.later import Later

if TYPE_CHECKING:
    import duckdb
else:
    # A look that finds a published file as it was reads none of it.
    duckdb = Later("duckdb")

LOCKED_FOR_S = 30
"""s to wait for a dbt process that outlived the build which started it; then the build gives up with a sentence."""

_judged: dict[tuple[FileState, bool], str] = {}
"""Why files cannot be read, by their state, as this process has found it: whoever asks at every tick makes a warehouse
of his own each time."""
_JUDGED_STATES = 64


class FileInUse(ServiceError):
    """Another process has the private file open."""


@dataclass(frozen=True)
class DuckdbWarehouse:
    """The published file of one installation and the lake its views read (a folder); files changed within the last
    `settle_ns` may look unchanged."""

    published: Path
    lake_url: str
    settle_ns: int = SETTLE_NS

    @property
    def kind(self) -> str:
        return "duckdb"

    @property
    def location(self) -> str:
        return str(self.published)

    def dbt_environment(self, *, parsing: bool = False) -> dict[str, str]:
        """What dbt's profile reads: the target and the private file, by its name in the folder where dbt works."""
        del parsing
        file = self.build_file
        return {
            "FLEET_WAREHOUSE_TARGET": self.kind,
            "FLEET_WAREHOUSE_BUILD": file.name,
            dbt_session.FOLDER: str(file.parent),
        }

    @property
    def build_file(self) -> Path:
        """The private file; dbt writes it within `building()`."""
        return self.published.parent / "build" / self.published.name

    @property
    def is_published(self) -> bool:
        """Whether there is a file that people can open."""
        return self.published.exists() and not self.damage()

    @property
    def published_at(self) -> datetime | None:
        """When the file that people open was put in place."""
        return datetime.fromtimestamp(self.published.stat().st_mtime, UTC) if self.published.exists() else None

    def damage(self, *, deep: bool = False) -> str:
        """Why the published file cannot be read; nothing where it can, or there is none.

        Its catalogue is read once for each state of the file, and every block where size or time are not those with
        which it was published, or `deep` asks for it.
        """
        state = file_state(self.published)
        if state is None:
            return ""
        key = (state, deep)
        if key not in _judged:
            if len(_judged) >= _JUDGED_STATES:
                _judged.clear()
            _judged[key] = "" if not deep and self._was_sound(state) else self._damage_now(state, deep=deep)
        return _judged[key]

    def _damage_now(self, state: FileState, *, deep: bool) -> str:
        said = published_file.damage(self.published, every_block=deep or self._mark() != self._noted_mark())
        if said:
            # So that the next look, whoever takes it, reads every block too.
            self._mark_file.unlink(missing_ok=True)
            self._sound_file.unlink(missing_ok=True)
        elif said is not None:
            with suppress(OSError):
                remember(self._sound_file, {"state": [*state]})
        return f"{self.published} cannot be read ({said})" if said else ""

    def _was_sound(self, state: FileState) -> bool:
        """Whether some process has read the file in this very state."""
        return recall(self._sound_file).get("state") == [*state]

    @property
    def _sound_file(self) -> Path:
        return self.build_file.parent / "sound.json"

    def _mark(self) -> str:
        """Size and time of the published file."""
        status = self.published.stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def _noted_mark(self) -> str:
        file = self._mark_file
        return file.read_text() if file.exists() else ""

    @property
    def _mark_file(self) -> Path:
        return self.build_file.parent / "published.txt"

    @contextmanager
    def building(self, anew: Collection[str] = ()) -> Iterator[Path]:
        """Have the private file for oneself, with a view of every lake table; a second build waits its turn.

        It starts as a copy of the published file, or empty where that cannot be read: building one mart keeps the
        others, and nothing of a build that failed or was killed is ever published. Raises ServiceError when another
        process keeps the private file open.
        """
        # The file is copied whole: leaving single models out would not be cheaper.
        del anew
        with exclusive_lock(self.build_file.parent / "lock"):
            self._remove_leftovers()
            if self.is_published:
                _copy_durably(self.published, self.build_file)
            self._prepare()
            yield self.build_file

    def publish(self, tell: Callable[[str], object] = lambda _: None) -> Path:
        """Put a copy of the private file in the published place in one step, durable on return; within `building()`."""
        del tell
        with duckdb.connect(str(self.build_file)) as connection:
            for table in TABLES.values():
                _show(connection, view_statement(table, named_files(table, self._lake.root)))
            connection.execute("checkpoint")
        # Somebody may have opened the published file for writing: their log belongs to the file that goes now.
        _log_of(self.published).unlink(missing_ok=True)
        _copy_durably(self.build_file, self.published)
        replace_file(self._mark_file, self._mark().encode())
        replace_file(self._lake_file, str(self._lake.root).encode())
        return self.published

    @contextmanager
    def at_rest(self) -> Iterator[list[Path]]:
        """Keep builds out, and name the files that make up the publication: they belong together within."""
        with exclusive_lock(self.build_file.parent / "lock"):
            yield [path for path in (self._inputs_file, self.published) if path.exists()]

    def settle(self) -> bool:
        """Have the published views read this lake where they read that of another place; whether they did."""
        if not self.is_published or self._read_lake() == str(self._lake.root):
            return False
        self.settle_here()
        return True

    def settle_here(self) -> None:
        """Publish anew a file that came from elsewhere: its views over lake tables then read this lake."""
        with self.building():
            self.publish()

    def _read_lake(self) -> str:
        """The folder of the lake that the published views read; this one where an earlier version noted none."""
        file = self._lake_file
        return file.read_text() if file.exists() else str(self._lake.root)

    @property
    def _lake_file(self) -> Path:
        return self.build_file.parent / "reads.txt"

    def built_from(self) -> dict[str, str]:
        """The inputs that each published model was built from, by model name, as told to `note_inputs`."""
        return json.loads(self._inputs_file.read_text()) if self.is_published and self._inputs_file.exists() else {}

    def note_inputs(self, notes: Mapping[str, str]) -> None:
        """Remember what the models just published were built from; a build killed before this is done again."""
        text = json.dumps({**self.built_from(), **notes}, sort_keys=True, indent=1)
        write_durably(self._inputs_file, lambda file: file.write(text.encode()))

    @property
    def _inputs_file(self) -> Path:
        return self.build_file.parent / "inputs.json"

    def lost(self, models: Iterable[str]) -> list[str]:
        """None: the private file is a copy of the published one, and its views name what they read."""
        del models
        return []

    def row_counts(self) -> dict[str, int]:
        """Rows of every mart in the private file; within `building()`, when dbt has ended."""
        with duckdb.connect(str(self.build_file)) as connection:
            marts = tables_of(connection, self.build_file.stem, kind="BASE TABLE")
            return {name: connection.table(f"main.{quoted(name)}").shape[0] for name in marts}

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of one SELECT over marts and lake tables by their bare names; instants are UTC.

        Raises UsageError for anything that is no single SELECT, is not SQL, or names what is not there (the sentence
        lists the tables), and DataError for data that cannot be read. Before the first publication only the lake
        tables with a stored partition are there.
        """
        return answer(sql, self.published, self._lake, self._read_lake)

    def origin(self, sql: str) -> str | None:
        """What the rows of a SELECT would be made from now; see `any_warehouse.Warehouse.origin`."""
        return duckdb_origin.origin(sql, self.published, self._lake, self.settle_ns)

    def query_with_origin(self, sql: str) -> tuple[pl.DataFrame, str | None]:
        """The rows, and what they were made from if that was the origin before too: no file was touched meanwhile."""
        return self.query(sql), self.origin(sql)

    @cached_property
    def _lake(self) -> Lake:
        return Lake(self.lake_url)

    def _prepare(self) -> None:
        with duckdb.connect(str(self.build_file)) as connection:
            for table in TABLES.values():
                _show(connection, view_statement(table, self._lake.generation(table).files()))

    def _remove_leftovers(self) -> None:
        """What builds that failed or were killed left; nobody else writes here while we hold the lock."""
        if self.build_file.exists():
            _wait_until_free(self.build_file)
        self.build_file.unlink(missing_ok=True)
        _log_of(self.build_file).unlink(missing_ok=True)
        for path in (self.published, self.build_file):
            for leftover in path.parent.glob(f".{path.name}.*.tmp"):
                leftover.unlink(missing_ok=True)


def _show(connection: duckdb.DuckDBPyConnection, view: str) -> None:
    try:
        connection.execute(view)
    except duckdb.Error as error:
        raise DataError(published_file.sentence(error)) from None


@retry(
    retry=retry_if_exception_type(FileInUse), stop=stop_after_delay(LOCKED_FOR_S), wait=wait_fixed(0.5), reraise=True
)
def _wait_until_free(path: Path) -> None:
    """Let a dbt process end that outlived the build which started it; a file that is broken is free."""
    try:
        duckdb.connect(str(path)).close()
    except duckdb.IOException as error:
        if published_file.is_held(error):
            raise FileInUse(f"{path} is in use by another process: {published_file.sentence(error)}") from None


def _log_of(path: Path) -> Path:
    """DuckDB's write-ahead log: what was written and is not yet in the file itself."""
    return path.with_name(f"{path.name}.wal")


def _copy_durably(source: Path, target: Path) -> None:
    with source.open("rb") as content:
        write_durably(target, partial(_copy, content))


def _copy(content: BinaryIO, file: BinaryIO) -> None:
    copyfileobj(content, file, 1 << 20)
