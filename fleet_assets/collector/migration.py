"""The migration of a legacy table: chunk by chunk into the landing zone, again from where it was killed, then compared.

Belongs here: identity, progress, the comparison. Does not belong here: the file's form (`adapters.can_sqlite`).

Identity. A row's `entry_id` is a hash of the file's bytes and of the answers given for it, and its rowid. A chunk's
files carry the name of the chunk, so a chunk that was landed in part is landed the same way again. How far it got is
noted beside the landing zone after each chunk; without the note everything is gone through again, and lands once.
As with imports, a row whose content has landed already (from a copy, or an earlier state of the file) is passed over.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from fleet_assets.adapters.can_sqlite import CanSqlite, open_can_sqlite
from fleet_assets.adapters.can_sqlite_frames import ID_BITS, frames_of
from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.adapters.quarantine import Origin, Reason
from fleet_assets.collector.importer import turn
from fleet_assets.collector.intake import Intake
from fleet_assets.contracts import RAW_CAN
from fleet_assets.contracts.errors import DataError, FileRejected
from fleet_assets.sources.can_frames import CAN

SOURCE = "can-sqlite"
"""Source of `vehicle_refs` whose external_id is a node_id."""

CHUNK_ROWS = 200_000
SAMPLE_ROWS = 1_000


@dataclass
class Migration:
    """How far a file has been taken: the last rowid gone through, and what became of the rows until there."""

    last_rowid: int = -(1 << 63)
    rows: int = 0
    landed: int = 0
    known: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    sampled: int = 0
    resumed_at: int = 0


@dataclass(frozen=True)
class Answers:
    """What the file does not say: the vehicle of all rows or of each node, and the bus."""

    vehicles: dict[str, str] | str
    bus: str = "can0"


def migrate(
    path: Path, answers: Answers, intake: Intake, progress: Callable[[int, int], object] = lambda _done, _all: None
) -> Migration:
    """Take every row of `can_messages` into the landing zone, or on from where it was stopped; durable on return.

    Raises FileRejected for a file that is no such table or a node without vehicle (before anything lands), and
    DataError when what has landed is not what the file holds.
    """
    with open_can_sqlite(path) as file, turn(intake.landing):
        _refuse_strangers(file, answers)
        run = _Run(file, answers, intake, _identity(path, answers))
        done, total = run.known_progress(), file.count()
        done.resumed_at = done.rows
        progress(done.rows, total)
        for raw in file.chunks(done.last_rowid, CHUNK_ROWS):
            run.take(raw, done)
            progress(done.rows, total)
        run.compare(done, total)
        return done


@dataclass(frozen=True)
class _Run:
    """One file on its way."""

    file: CanSqlite
    answers: Answers
    intake: Intake
    identity: str

    @property
    def note(self) -> Path:
        return self.intake.landing.root / "_migrations" / f"{self.identity}.json"

    def known_progress(self) -> Migration:
        return Migration(**json.loads(self.note.read_text())) if self.note.exists() else Migration()

    def take(self, raw: pl.DataFrame, done: Migration) -> None:
        """Land one chunk and note it."""
        first, last = int(raw["rowid"][0]), int(raw["rowid"][-1])
        name = f"{self._prefix}{first:012d}"
        frames = frames_of(raw, self.answers.vehicles, self.answers.bus)
        for reason, rowids in frames.wrong:
            _count(done.rejected, reason.slug, self._set_aside(name, reason, rowids))
        rows = self._identified(frames.rows)
        before = self._landed_under(name)
        new = LandedRows(self.intake.landing, CAN.raw[0].folder).new(rows)
        landed = self.intake.land(CAN.raw[0].folder, new, name, self._origin)
        for slug, count in landed.rejected.items():
            _count(done.rejected, slug, count)
        done.landed += landed.kept + before
        done.known += rows.height - new.height - before
        done.rows += raw.height
        done.last_rowid = last
        replace_file(self.note, json.dumps(asdict(done)).encode())

    def _set_aside(self, name: str, reason: Reason, rowids: Sequence[int]) -> int:
        return self.intake.reject(CAN.raw[0].folder, self.file.originals(rowids), name, reason, self._origin)

    @property
    def _origin(self) -> Origin:
        return Origin(self.file.path.name)

    def compare(self, done: Migration, total: int) -> None:
        """Raises DataError when rows are missing, or a sampled row is not the same as in the file."""
        landed = self._landed_under()
        if done.rows != total or done.landed != landed or total != landed + done.known + sum(done.rejected.values()):
            raise DataError(
                f"{self.file.path}: of {total:,} rows {landed:,} landed, {done.known:,} had landed before and "
                f"{sum(done.rejected.values()):,} are in quarantine, which does not add up; "
                f"delete {self.note} and start anew"
            )
        done.sampled = self._compare_sample(total)

    def _compare_sample(self, total: int) -> int:
        """Compare random landed rows with what SQLite itself says of them."""
        files = self._files("")
        if not files:
            return 0
        rowid = pl.col("entry_id").str.slice(len(self.identity) + 1).str.to_integer()
        rows = pl.scan_parquet(files, hive_partitioning=False).with_columns(rowid=rowid)
        chosen = self._chosen(rows.select("rowid").collect()["rowid"], total)
        mine = rows.filter(pl.col("rowid").is_in(chosen.implode())).select(
            "rowid", pl.col("recorded_at").dt.epoch("us").alias("us"),
            pl.col("arbitration_id").cast(pl.Int64).alias("id"), pl.col("data").bin.encode("hex").str.to_uppercase(),
        ).collect()  # fmt: skip
        theirs = self.file.plain(chosen.to_list()).with_columns(
            pl.col("id").str.to_integer(base=16, strict=False) & ID_BITS
        )
        different = mine.join(theirs, on=mine.columns, how="anti", nulls_equal=True)
        if different.height or mine.height != theirs.height:
            named = ", ".join(map(str, different["rowid"].head(5)))
            raise DataError(f"{self.file.path}: rows landed with other values than the file has: rowid {named}")
        return mine.height

    def _chosen(self, rowids: pl.Series, total: int) -> pl.Series:
        seed = random.Random(f"{self.identity}{total}").getrandbits(32)
        return rowids.sample(min(SAMPLE_ROWS, len(rowids)), seed=seed).sort()

    @property
    def _prefix(self) -> str:
        return f"migrate-{self.identity}-"

    def _files(self, name: str) -> list[Path]:
        """Landed files of one chunk, or of all chunks for an empty name."""
        return sorted(self.intake.landing.root.glob(f"can/date=*/{name or self._prefix + '*'}.parquet"))

    def _landed_under(self, name: str = "") -> int:
        """Rows in those files."""
        return sum(pq.read_metadata(path).num_rows for path in self._files(name))

    def _identified(self, rows: pl.DataFrame) -> pl.DataFrame:
        entry = pl.concat_str(pl.lit(f"{self.identity}-"), pl.col("rowid").cast(pl.String).str.zfill(10))
        now = pl.lit(self.intake.clock()).cast(RAW_CAN.schema["received_at"])
        identified = rows.with_columns(entry_id=entry, received_at=pl.coalesce("received_at", now))
        return identified.select(RAW_CAN.schema.names())


def _refuse_strangers(file: CanSqlite, answers: Answers) -> None:
    if isinstance(answers.vehicles, str):
        return
    nodes = file.nodes()
    strangers = [node for node in nodes if node not in answers.vehicles]
    if strangers or not nodes:
        who = f"which vehicle is node {', '.join(strangers[:5])}" if strangers else "which vehicle it is from"
        raise FileRejected(
            file.path,
            f"it does not say {who}; give --vehicle-id for all rows, or a line `{SOURCE},NODE,VEHICLE` per node in "
            "vehicle_refs.csv (source,external_id,vehicle_id)",
        )


def _identity(path: Path, answers: Answers) -> str:
    """16 hex digits that name the file's bytes and the answers that its rows depend on."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    said = answers.vehicles if isinstance(answers.vehicles, str) else json.dumps(answers.vehicles, sort_keys=True)
    return hashlib.sha256("\n".join([SOURCE, content, said, answers.bus]).encode()).hexdigest()[:16]


def _count(counts: dict[str, int], slug: str, more: int) -> None:
    counts[slug] = counts.get(slug, 0) + more
