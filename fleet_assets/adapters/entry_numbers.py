"""Which numbered frames stream entries hold, whole columns at a time.

Belongs here: numbers, owner and time of entries, runs of numbers, entries that are known already. Does not belong here:
the frames themselves (can_entries), where progress is kept (sink_progress).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from fleet_assets.adapters.can_stream import Entry, Fields, frame_number, received_us
from fleet_assets.adapters.entry_bounds import EARLIEST_US, LATEST_US, MAX_FRAMES, EntryError, whole

_SCHEMA = {
    "producer": pl.String, "first": pl.Int64, "stop": pl.Int64, "vehicle": pl.String, "bus": pl.String,
    "first_us": pl.Int64, "last_us": pl.Int64, "place": pl.Int64,
}  # fmt: skip


def numbers_of(entries: Sequence[Entry]) -> pl.DataFrame:
    """One row a numbered entry: producer, first, stop, vehicle, bus, first_us, last_us, place (in `entries`)."""
    numbered = [(place, entry, number) for place, entry in enumerate(entries) if (number := frame_number(entry[1]))]
    spans = [_span_us(entry) for _, entry, _ in numbered]
    return pl.DataFrame(
        {
            "producer": [producer for _, _, (producer, _) in numbered],
            "first": [first for _, _, (_, first) in numbered],
            "stop": [first + frame_count(entry[1]) for _, entry, (_, first) in numbered],
            "vehicle": [_text(entry[1], b"vehicle") for _, entry, _ in numbered],
            "bus": [_text(entry[1], b"bus") for _, entry, _ in numbered],
            "first_us": [first for first, _ in spans],
            "last_us": [last for _, last in spans],
            "place": [place for place, _, _ in numbered],
        },
        schema=_SCHEMA,
    )


def runs(numbers: pl.DataFrame) -> pl.DataFrame:
    """The rows of `numbers_of` with those that follow on each other (or overlap) joined; column `place` goes."""
    reached = pl.col("stop").cum_max().shift(1).over("producer")
    is_new = (pl.col("first") > reached).fill_null(value=True)
    return (
        numbers.sort("producer", "first", "stop")
        .with_columns(run=is_new.cum_sum())
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("producer", "first").first(), pl.col("stop").max(), pl.col("vehicle", "bus").last(),
            pl.col("first_us").first(), pl.col("last_us").last(),
        )
        .drop("run")
    )  # fmt: skip


def known_places(numbers: pl.DataFrame, landed: pl.DataFrame) -> list[int]:
    """Places of the entries all of whose frames lie in the intervals of `landed` (producer, first, stop)."""
    before = landed.sort("first").rename({"first": "from", "stop": "reached"})
    matched = numbers.sort("first").join_asof(
        before, left_on="first", right_on="from", by="producer", strategy="backward", check_sortedness=False
    )
    return matched.filter(pl.col("stop") <= pl.col("reached")).get_column("place").sort().to_list()


def _span_us(entry: Entry) -> tuple[int, int]:
    """First and last instant of an entry's frames; of one that is not of the wire format, when Redis got it."""
    stream_id, fields = entry
    count, packed = frame_count(fields), fields.get(b"packed")
    if packed is not None and count and len(packed) >= 8 * count:
        instants = np.frombuffer(packed, "<i8", count)
        first, last = int(instants[0]), int(instants[-1])
    else:
        first = last = _read(fields, b"ts_us", EARLIEST_US, LATEST_US, received_us(stream_id))
    if EARLIEST_US <= first <= LATEST_US and EARLIEST_US <= last <= LATEST_US:
        return first, last
    return received_us(stream_id), received_us(stream_id)


def frame_count(fields: Fields) -> int:
    """Frames that an entry says it holds; one where it says nothing, or what cannot be."""
    return _read(fields, b"n", 0, MAX_FRAMES, 1)


def _read(fields: Fields, field: bytes, low: int, high: int, otherwise: int) -> int:
    if field not in fields:
        return otherwise
    try:
        return whole(fields, field, low, high)
    except EntryError:
        return otherwise


def _text(fields: Fields, name: bytes) -> str | None:
    value = fields.get(name)
    return value.decode(errors="replace") if value else None
