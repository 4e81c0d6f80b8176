"""Fields of many stream entries as columns: texts, ids of the stream, numberings.

Belongs here: bringing entries to columns at once. Does not belong here: what a field may hold (entry_bounds), what the
columns mean (can_entries, single_rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import polars as pl

from fleet_assets.adapters.can_stream import NUMBER_DIGITS, Entry, Fields, numbered_id, numbering, padded_id
from fleet_assets.adapters.entry_bounds import (
    LATEST_US,
    LONGEST_NUMBER,
    MAX_FRAMES,
    MAX_NUMBER,
    EntryError,
    is_name,
    shown,
)
from fleet_assets.adapters.entry_ids import entry_ids

Values = Sequence[bytes | None]

_FIRST_NO_INSTANT_MS = -(-LATEST_US // 1_000)
_MS_DIGITS, _SEQUENCE_DIGITS = 13, 6


def values_of(entries: Sequence[Entry], names: Sequence[str]) -> dict[str, Values]:
    """The values of some fields, None where an entry lacks one; a field that no entry has is left out."""
    keys = [name.encode() for name in names]
    fields = [entry[1] for entry in entries]
    if (alike := _of_like_entries(fields, keys)) is not None:
        return alike
    columns = {key: [one.get(key) for one in fields] for key in keys}
    return {key.decode(): column for key, column in columns.items() if column.count(None) < len(column)}


def _of_like_entries(fields: Sequence[Fields], keys: Sequence[bytes]) -> dict[str, Values] | None:
    """The same where all entries have the same fields and no others, as those of one writer have."""
    there = [key for key in keys if fields and key in fields[0]]
    if len(there) < 2 or set(map(len, fields)) != {len(there)}:
        return None
    try:
        columns = zip(*map(itemgetter(*there), fields), strict=True)
    except KeyError:
        return None
    return {key.decode(): column for key, column in zip(there, columns, strict=True)}


def texts(values: Values) -> pl.Series:
    """Values as text; one that is no text becomes what no name or number is, and the others stay as they are."""
    try:
        return pl.Series(values, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series([None if one is None else one.decode(errors="replace") for one in values], dtype=pl.String)


def no_texts(count: int) -> pl.Series:
    """A column without a value."""
    return pl.Series([None], dtype=pl.String).new_from_index(0, count)


def stream_ids(entries: Sequence[Entry]) -> pl.DataFrame:
    """`ms` and `sequence` of the entries' ids; null where they are no number, and `ms` where it is no instant."""
    halves = pl.col("id").str.split_exact("-", 1)
    ms, sequence = (halves.struct.field(f"field_{half}").cast(pl.Int64, strict=False) for half in (0, 1))
    return pl.DataFrame([texts([entry[0] for entry in entries]).alias("id")]).select(
        ms=pl.when(ms.is_between(0, _FIRST_NO_INSTANT_MS, closed="left")).then(ms), sequence=sequence
    )


def single_ids(entries: Sequence[Entry], ids: pl.DataFrame, values: dict[str, Values], origin: str) -> pl.DataFrame:
    """The entry_id of each single entry's frame, and what is wrong with its numbering (null: nothing)."""
    producers, firsts = values.get("producer"), values.get("first")
    if producers is None and firsts is None:
        return _faultless(_unnumbered(entries, ids, origin))
    if producers is not None and firsts is not None and (numbers := _plain_numbers(producers, firsts)) is not None:
        return _faultless(_numbered(producers, numbers))
    rows = [_judged(entry, origin) for entry in entries]
    return pl.DataFrame(rows, schema={"entry_id": pl.String, "fault": pl.String}, orient="row")


def _faultless(ids: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([ids.alias("entry_id"), no_texts(len(ids)).alias("fault")])


def _judged(entry: Entry, origin: str) -> tuple[str, str | None]:
    try:
        number = numbering(entry[1])
    except EntryError as error:
        return "", str(error)
    return numbered_id(*number) if number else unnumbered_id(entry, origin), None


def unnumbered_id(entry: Entry, origin: str) -> str:
    """What the id of a frame begins with that its writer has not numbered."""
    return f"{origin}-{padded_id(entry[0])}".lstrip("-")


def _plain_numbers(producers: Values, firsts: Values) -> pl.Series | None:
    """The numbers, where all entries are numbered rightly as `numbering` understands it; else None."""
    if None in firsts or not b"".join(firsts).isdigit():  # type: ignore[arg-type]
        return None
    if not all(producer is not None and is_name(shown(producer)) for producer in set(producers)):
        return None
    text = texts(firsts)
    numbers = text.cast(pl.Int64, strict=False)
    is_within = numbers.null_count() == 0 and int(numbers.max()) <= MAX_NUMBER - MAX_FRAMES  # type: ignore[arg-type]
    return numbers if is_within and int(text.str.len_bytes().max()) <= LONGEST_NUMBER else None  # type: ignore[arg-type]


def _numbered(producers: Values, numbers: pl.Series) -> pl.Series:
    if len(set(producers)) == 1:
        return entry_ids(shown(producers[0]), (numbers.to_numpy(), NUMBER_DIGITS))
    written = numbers.cast(pl.String).str.zfill(NUMBER_DIGITS)
    return pl.select(pl.concat_str(texts(producers), written, separator="-")).to_series()


def _unnumbered(entries: Sequence[Entry], ids: pl.DataFrame, origin: str) -> pl.Series:
    ms, sequence = ids.get_columns()
    most = [(ms, _MS_DIGITS), (sequence, _SEQUENCE_DIGITS)]
    if any(part.null_count() or int(part.max()) >= 10**digits for part, digits in most):  # type: ignore[arg-type]
        return pl.Series([unnumbered_id(entry, origin) for entry in entries])
    return entry_ids(origin.lstrip("-"), *((part.to_numpy(), digits) for part, digits in most))
