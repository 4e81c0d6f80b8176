"""Dagster resources: thin holders of adapters, and the IO manager that enforces the contracts.

Belongs here: handing adapter objects to assets, storing and loading frames. Does not belong here: computing them.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl
from dagster._core.definitions.data_version import DATA_VERSION_IS_USER_PROVIDED_TAG, DATA_VERSION_TAG
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from fleet_assets.adapters.lake import Written
from fleet_assets.contracts import TABLES, Table
from fleet_assets.contracts.headlines import headline
from fleet_assets.core.for_eyes import for_eyes
from fleet_assets.installation import Installation
from fleet_assets.pictures.partition import page_of
from fleet_assets.pipeline.day_tables import REFERENCE
from fleet_assets.pipeline.storing import StoredDay
from fleet_assets.pipeline.theft_cases import words_of

PREVIEW_ROWS = 5
LONGEST_CELL = 80

TELLS_ITS_OWN_EVENTS = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""Metadata of an output of which Dagster shall tell nothing: its own event has one data version for a whole range of
days, which is why Dagster itself passes over outputs with this key."""

Progress = Callable[[str, int, int], None]
_listeners: list[Progress] = []


def on_progress(listener: Progress) -> Callable[[], None]:
    """Call `listener(table, partitions done, partitions in all)` after each stored partition; returns how to stop."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def progressed(table: str, done: int, total: int) -> None:
    """Tell the listeners how far a table is."""
    for listener in _listeners:
        listener(table, done, total)


_hearers: list[Callable[[str], object]] = []


def on_words(hearer: Callable[[str], object]) -> Callable[[], None]:
    """Call `hearer(sentence)` with what a person who watches should know at once; returns how to stop."""
    _hearers.append(hearer)
    return lambda: _hearers.remove(hearer)


def tell(sentence: str) -> None:
    """Tell whoever watches this process."""
    for hearer in _hearers:
        hearer(sentence)


class InstallationResource(dg.ConfigurableResource):
    """The places of this installation, from the environment of the process that runs."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Say that this process works on the run: one whose process was killed can be told from a long one."""
        if context.run is not None:
            self.get().run_locks.hold(context.run.run_id)

    def get(self) -> Installation:
        return Installation.from_environment()


@dataclass(frozen=True)
class WholeTable:
    """The rows of a table without days, and what names the files they were read from (taken before reading)."""

    frame: pl.DataFrame
    inputs: str


class LakeIOManager(dg.ConfigurableIOManager):
    """Stores frames in the lake after checking them against their contract, and loads them lazily.

    An asset or check that takes a LazyFrame gets the rows of the partitions it runs for (or maps to).
    """

    installation: InstallationResource

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame:
        table = TABLES[context.asset_key.path[-1]]
        lake = self.installation.get().lake
        if not context.has_asset_partitions:
            return lake.scan(table)
        return lake.scan(table, [date.fromisoformat(key) for key in context.asset_partition_keys])

    def handle_output(self, context: dg.OutputContext, obj: WholeTable | None) -> None:
        if obj is None:  # its days are stored, each with an event of its own
            return
        installation, table = self.installation.get(), TABLES[context.asset_key.path[-1]]
        with installation.lake.partition_lock(table, None):
            written = installation.lake.write(table, None, obj.frame, obj.inputs)
        context.add_output_metadata(_metadata(table, written, obj.frame))


def day_event(
    key: dg.AssetKey, table: Table, stored: StoredDay, installation: Installation, *, is_drawn: bool = False
) -> dg.AssetMaterialization:
    """The partition with the hash of its bytes as its data version: automation follows only where that changed.

    `is_drawn`: with a picture, where its table has one.
    """
    written = stored.written or Written(stored.record, installation.lake.path(table, stored.day), is_changed=False)
    shown = {} if stored.frame is None else _page(table, stored.frame, installation, is_drawn=is_drawn)
    return dg.AssetMaterialization(
        key,
        partition=stored.day.isoformat(),
        metadata={**shown, **_metadata(table, written, stored.frame)},
        tags={DATA_VERSION_TAG: stored.record.content, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"},
    )


def _page(table: Table, frame: pl.DataFrame, installation: Installation, *, is_drawn: bool) -> dict[str, Any]:
    """What people ask of a partition of events, as numbers that the UI draws over all partitions, a picture, and what
    stands out of thefts in words."""
    page = page_of(table, frame, partial(_rows_of, installation), installation.settings.timezone, is_drawn=is_drawn)
    drawn = base64.b64encode(page.picture).decode() if page.picture else ""
    picture = {"picture": dg.MetadataValue.md(f"![{table.name}](data:image/png;base64,{drawn})")} if drawn else {}
    words = words_of(installation, table, frame) if is_drawn else []
    said = {"explanation": dg.MetadataValue.md("\n".join(f"- {one}" for one in words))} if words else {}
    return {**picture, **said, **page.numbers}


def _rows_of(installation: Installation, table: Table, vehicle: str, since: datetime, until: datetime) -> pl.DataFrame:
    rows = installation.lake.window(table, since, until)
    return rows.filter(pl.col("vehicle_id") == vehicle).collect()


def _metadata(table: Table, written: Written, frame: pl.DataFrame | None) -> dict[str, Any]:
    """Rows first, then what they were made with; hashes and bytes, which few ask for, last."""
    preview = {} if frame is None or frame.is_empty() else {"preview": dg.MetadataValue.md(_preview(table, frame))}
    return {
        **preview,
        "dagster/row_count": written.record.row_count,
        **{name: _note(value) for name, value in written.record.notes.items() if name != REFERENCE},
        "changed": written.is_changed,
        "dagster/uri": str(written.path),
        "bytes": written.record.byte_count,
        "content_sha256": written.record.content,
    }


def _preview(table: Table, frame: pl.DataFrame) -> str:
    """The columns that a person looks at first, as a person reads them."""
    head = frame.head(PREVIEW_ROWS)
    filled = [name for name in headline(table.name, frame.columns) if head[name].null_count() < head.height]
    lines = ["| " + " | ".join(filled) + " |", "|" + "---|" * len(filled)]
    lines += ["| " + " | ".join(map(_in_cell, row)) + " |" for row in for_eyes(head.select(filled)).iter_rows()]
    return "\n".join(lines)


def _in_cell(text: str) -> str:
    """A text that does not end its cell of a Markdown table."""
    return text[:LONGEST_CELL].replace("|", "\\|").replace("\n", " ")


def _note(value: Any) -> Any:
    return dg.MetadataValue.json(value) if isinstance(value, dict | list) else value
