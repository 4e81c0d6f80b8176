"""Reference files on disk: CSV tables, DBC files and signal maps below $FLEET_HOME/reference/, and the shipped ones.

Belongs here: finding, reading and replacing those files. Does not belong here: what makes a row valid
(`core.reference`) and what a DBC or a signal map means (`core.can`, `sources`).
"""

from __future__ import annotations

import hashlib
import io
from importlib.resources import files
from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import write_durably
from fleet_assets.adapters.file_lock import exclusive_folder_lock
from fleet_assets.contracts import (
    DBC_BINDINGS,
    DBC_FILES,
    DECODING_TABLES,
    REFERENCE_TABLES,
    SIGNAL_MAPS,
    THEFT_REVIEWS,
    Table,
)
from fleet_assets.contracts.errors import FileRejected, ReferenceInvalid, UsageError
from fleet_assets.contracts.reference import KEPT_ROWS
from fleet_assets.core.reference import parse_reference
from fleet_assets.core.reviews import changed_rows, review_problems, with_added

_INSTANT = "%Y-%m-%dT%H:%M:%S%.6f%:z"

_FOLDERS = {DBC_FILES.name: ("dbc", "dbc", ".dbc"), SIGNAL_MAPS.name: ("sources", "signal_maps", ".yaml")}


class ReferenceStore:
    """The reference folder of one installation. A missing file is an empty table, not an error."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, table: Table) -> Path:
        return self.root / f"{table.name}.csv"

    def read(self, table: Table) -> pl.DataFrame:
        """The typed rows of one reference table; raises ReferenceInvalid with a sentence per wrong line."""
        path = self.path(table)
        return read_reference_file(table, path) if path.exists() else table.empty()

    def fingerprint(self, table: Table) -> str:
        """Names the content of the files behind one reference table, without parsing them."""
        if table.name in DECODING_TABLES:
            return _digest("".join(self.texts(table)["sha256"]).encode())
        path = self.path(table)
        return _digest(path.read_bytes() if path.exists() else b"")

    def load(self, path: Path) -> tuple[Table, int]:
        """Validate a CSV named after its table and put it in place; returns the table and the file's row count.

        Of tables whose rows are kept (KEPT_ROWS) new rows are added; a row that contradicts one of its key is refused.
        """
        table = REFERENCE_TABLES.get(path.stem)
        if table is None:
            known = ", ".join(f"{name}.csv" for name in REFERENCE_TABLES)
            raise UsageError(f"{path}: the file name must say which table it is, one of {known}")
        rows = read_reference_file(table, path)
        if table.name in KEPT_ROWS:
            self._add(table, rows, path)
        else:
            _replace(self.path(table), path.read_bytes())
        return table, rows.height

    def add_review(self, review: pl.DataFrame) -> None:
        """Add rows of THEFT_REVIEWS to the file; durable on return, and several writers lose none of each other's.

        Raises ReferenceInvalid for rows that the file's own checks refuse.
        """
        problems = review_problems(review)
        if problems:
            raise ReferenceInvalid(THEFT_REVIEWS.name, problems)
        self._add(THEFT_REVIEWS, review, self.path(THEFT_REVIEWS))

    def _add(self, table: Table, rows: pl.DataFrame, origin: Path) -> None:
        with exclusive_folder_lock(self.root):
            stored = self.read(table)
            problems = changed_rows(stored, rows)
            if problems:
                raise ReferenceInvalid(origin, problems)
            text = with_added(stored, rows).write_csv(datetime_format=_INSTANT)
            _replace(self.path(table), text.encode())

    def add_dbc(self, path: Path) -> str:
        """Copy a DBC file into the reference folder; returns the name by which bindings call it."""
        folder = self.root / "dbc"
        try:
            _replace(folder / path.name, path.read_bytes())
        except OSError as error:
            raise FileRejected(path, f"cannot be read ({error.strerror})") from None
        return path.stem

    def bind(self, vehicle_id: str, bus: str, dbc: str) -> None:
        """Say that `dbc` describes that bus of that vehicle, in dbc_bindings.csv; saying it again changes nothing."""
        row = pl.DataFrame({"vehicle_id": [vehicle_id], "bus": [bus], "dbc": [dbc]}, schema=DBC_BINDINGS.schema)
        rows = pl.concat([self.read(DBC_BINDINGS), row]).unique(maintain_order=True)
        _replace(self.path(DBC_BINDINGS), rows.write_csv().encode())

    def texts(self, table: Table) -> pl.DataFrame:
        """DBC files or signal maps, shipped ones first; a reference file of the same name replaces the shipped one."""
        package, folder, ending = _FOLDERS[table.name]
        shipped = files("fleet_assets") / (folder if package == folder else f"{package}/{folder}")
        rows = {}
        for origin, place in (("shipped", Path(str(shipped))), ("reference", self.root / folder)):
            for path in sorted(place.glob(f"*{ending}")):
                content = path.read_bytes()
                rows[path.stem] = (path.stem, origin, _digest(content), _text(content))
        return pl.DataFrame(list(rows.values()), schema=table.schema, orient="row")


def read_reference_file(table: Table, path: Path) -> pl.DataFrame:
    """Type and check one CSV; raises ReferenceInvalid (wrong lines) or FileRejected (not a CSV at all)."""
    try:
        text = pl.read_csv(io.BytesIO(path.read_bytes()), infer_schema=False, empty_string_is_null=True)
    except OSError as error:
        raise FileRejected(path, f"cannot be read ({error.strerror})") from None
    except pl.exceptions.NoDataError:
        return table.empty()
    except pl.exceptions.PolarsError as error:
        raise FileRejected(path, f"is not a CSV file: {str(error).splitlines()[0]}") from None
    parsed = parse_reference(table, text)
    problems = parsed.problems or (review_problems(parsed.frame) if table.name == THEFT_REVIEWS.name else [])
    if problems:
        raise ReferenceInvalid(path, problems)
    return parsed.frame


def _replace(path: Path, content: bytes) -> None:
    write_durably(path, lambda file: file.write(content))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _text(content: bytes) -> str:
    # DBC editors on Windows write cp1252; latin-1 decodes any byte and agrees with it on letters and degree signs.
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
